"""Gaussianisation: the distribution function of a mixture, then the normal quantile."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.numerics import bounded
from tfp_flows.transformers.monotone import MonotoneOnInterval

_WIDE = 1e-3
_LOG_ROOT = 0.5 * math.log(2 * math.pi)


class Gaussianization(MonotoneOnInterval):
    """``x = ndtri(sum_j w_j ndtr((y - mean_j) / scale_j))``: what makes a mixture normal.

    Computed from logarithms of both tails, so that neither saturates. On the interval
    ``[-bound, bound]``, which holds the means; tangents continue it. A wide component of small
    weight is part of every mixture, so that no slope vanishes.

    Source: Meng et al. 2020, arXiv:2003.01941, section 3.2.

    Args:
        num_components: Number of normal components.
        bound: Half of the length of the interval.
        max_log_scale: Bound on the absolute logarithm of a component's scale.

    Raises:
        ValueError: If an argument is not positive.
    """

    def __init__(self, *, num_components: int = 8, bound: float = 10.0, max_log_scale: float = 5.0):
        super().__init__(bound=bound)
        if not max_log_scale > 0:
            raise ValueError(
                f"Gaussianization: max_log_scale must be positive, got {max_log_scale!r}."
            )
        self._max_log_scale = float(max_log_scale)
        self.num_parameters = 3 * shapes.positive(num_components, "num_components")

    def _prepare(self, parameters):
        weights, means, log_scales = tf.split(parameters, 3, axis=-1)
        wide = tf.zeros_like(weights[..., :1])
        log_weights = tf.nn.log_softmax(weights, axis=-1) + math.log1p(-_WIDE)
        return (
            tf.concat([log_weights, wide + math.log(_WIDE)], axis=-1),
            tf.concat([bounded(means, self._bound), wide], axis=-1),
            tf.concat(
                [bounded(log_scales, self._max_log_scale), wide + math.log(self._bound / 3)],
                axis=-1,
            ),
        )

    def _evaluate(self, y, prepared):
        log_weights, means, log_scales = prepared
        u = (y[..., None] - means) * tf.exp(-log_scales)
        below = tf.reduce_logsumexp(log_weights + _log_ndtr(u), axis=-1)
        above = tf.reduce_logsumexp(log_weights + _log_ndtr(-u), axis=-1)
        left = below < above
        x = _quantile(tf.where(left, below, above))
        x = tf.where(left, x, -x)
        log_density = tf.reduce_logsumexp(log_weights + _log_normal(u) - log_scales, axis=-1)
        return x, log_density - _log_normal(x)


def _log_ndtr(u):
    return tfp.distributions.Normal(tf.zeros([], u.dtype), tf.ones([], u.dtype)).log_cdf(u)


def _log_normal(u):
    return -0.5 * tf.square(u) - _LOG_ROOT


def _quantile(log_probability):
    """The ``x`` whose ``log_ndtr`` is given, at most ``log 0.5``."""
    fixed = tf.stop_gradient(tf.minimum(log_probability, math.log(0.5)))
    # Right in the far tail, and where it is not, Newton's method converges from it.
    x = -tf.sqrt(tf.maximum(-2 * (fixed + _LOG_ROOT), 0))
    # A loop, as ten copies of its step would take XLA long to compile.
    _, x = tf.while_loop(
        lambda i, _: i < 8, lambda i, x: (i + 1, _newton(x, fixed)), (tf.constant(0), x)
    )
    x = tf.stop_gradient(x)
    for _ in range(2):
        x = _newton(x, log_probability)
    return x


def _newton(x, log_probability):
    value = _log_ndtr(x)
    return x - (value - log_probability) * tf.exp(value - _log_normal(x))
