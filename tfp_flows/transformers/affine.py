"""Additive and affine transformers."""

from types import MappingProxyType

import tensorflow as tf

from tfp_flows.numerics import bounded
from tfp_flows.transformers.base import Transformer


class Additive(Transformer):
    """``y = x + shift``, of volume 1.

    Source: NICE, Dinh et al. 2014, arXiv:1410.8516, section 3.2.
    """

    num_parameters = 1

    def forward(self, x, parameters):
        """Adds the shift."""
        return x + parameters[..., 0], tf.zeros_like(x)

    def inverse(self, y, parameters):
        """Subtracts the shift."""
        return y - parameters[..., 0], tf.zeros_like(y)


class Affine(Transformer):
    """``y = x exp(log_scale) + shift``, with parameters (shift, raw log-scale).

    The log-scale is squashed into ``(-max_log_scale, max_log_scale)``, so that a first step of
    training on data of any scale stays finite.

    Source: RealNVP, Dinh et al. 2017, arXiv:1605.08803, equation 7; MAF, Papamakarios et al. 2017,
    arXiv:1705.07057, equation 4.

    Args:
        max_log_scale: Bound on the absolute log-scale, positive.

    Raises:
        ValueError: If the bound is not positive.
    """

    num_parameters = 2
    _EARLIER_DEFAULTS = MappingProxyType({0: {"max_log_scale": 5.0}})

    def __init__(self, *, max_log_scale: float = 2.0):
        if not max_log_scale > 0:
            raise ValueError(f"max_log_scale must be positive, got {max_log_scale!r}.")
        self.max_log_scale = float(max_log_scale)

    def _split(self, parameters):
        return parameters[..., 0], bounded(parameters[..., 1], self.max_log_scale)

    def forward(self, x, parameters):
        """Scales, then shifts."""
        shift, log_scale = self._split(parameters)
        return x * tf.exp(log_scale) + shift, log_scale

    def inverse(self, y, parameters):
        """Shifts back, then scales back."""
        shift, log_scale = self._split(parameters)
        return (y - shift) * tf.exp(-log_scale), -log_scale
