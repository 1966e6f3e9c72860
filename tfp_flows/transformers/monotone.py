"""Transformers that are written down in one direction and solved for in the other."""

import tensorflow as tf

from tfp_flows.numerics import solve_increasing, within_range
from tfp_flows.transformers.base import Transformer


class Inverted(Transformer):
    """Another transformer with its directions exchanged.

    Splines, polynomials and neural transformers are evaluated from data to latent, for training on
    data; inverted, they are fast from latent to data, for variational inference.

    Args:
        transformer: The other transformer.
    """

    def __init__(self, transformer: Transformer):
        self._transformer = transformer
        self.num_parameters = transformer.num_parameters

    def forward(self, x, parameters):
        """The other one's `inverse`."""
        return self._transformer.inverse(x, parameters)

    def inverse(self, y, parameters):
        """The other one's `forward`."""
        return self._transformer.forward(y, parameters)


class MonotoneOnInterval(Transformer):
    """A function that increases on ``[-bound, bound]``, continued by its tangents outside.

    `inverse` evaluates it, from data to latent. `forward` solves it, by Newton steps within a
    bracket, to machine precision; its derivatives are those of the implicit function.

    Args:
        bound: Half of the length of the interval.

    Raises:
        ValueError: If the bound is not positive.
    """

    def __init__(self, *, bound: float):
        if not 0 < bound < float("inf"):
            raise ValueError(f"{type(self).__name__}: bound must be positive, got {bound!r}.")
        self._bound = float(bound)

    def _prepare(self, parameters):
        """What `_evaluate` needs of the parameters."""
        raise NotImplementedError

    def _evaluate(self, y, prepared):
        """Values and log-slopes at points within the interval."""
        raise NotImplementedError

    def inverse(self, y, parameters):
        """Evaluates the function."""
        return self._continued(within_range(y), self._prepare(parameters))

    def forward(self, x, parameters):
        """Solves for the data."""
        x, prepared = within_range(x), self._prepare(parameters)
        upper = tf.fill(tf.shape(x), tf.cast(self._bound, x.dtype))
        ends = [self._evaluate(end, prepared) for end in (-upper, upper)]
        (low, low_log_slope), (high, high_log_slope) = ends

        def residual(y):
            # With its tangents the function increases also where a Newton step leaves the ends.
            value, log_slope = self._continued(y, prepared)
            return value - tf.clip_by_value(x, low, high), tf.exp(log_slope)

        inside = solve_increasing(residual, -upper, upper)
        below, above = x < low, x > high
        y = tf.where(
            below,
            -upper + (x - low) * tf.exp(-low_log_slope),
            tf.where(above, upper + (x - high) * tf.exp(-high_log_slope), inside),
        )
        inner = self._evaluate(tf.clip_by_value(inside, -upper, upper), prepared)[1]
        log_slope = tf.where(below, low_log_slope, tf.where(above, high_log_slope, inner))
        return y, -log_slope

    def _continued(self, y, prepared):
        place = tf.clip_by_value(y, -self._bound, self._bound)
        value, log_slope = self._evaluate(place, prepared)
        return value + (y - place) * tf.exp(log_slope), log_slope
