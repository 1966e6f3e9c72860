"""Radial flow: expands or contracts space around a point."""

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.vectors import ParametricVector
from tfp_flows.numerics import safe_norm

_SMALLEST = 1e-6


class Radial(ParametricVector):
    """``y = x + beta (x - x0) / (alpha + |x - x0|)``, with ``alpha > 0`` and ``beta > -alpha``.

    Both directions are closed: the radius of ``x`` is the positive root of a quadratic equation.
    The log-det costs O(D).

    Source: Rezende and Mohamed 2015, arXiv:1505.05770, equation 14 and appendix A.2.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context. With one, a network adds to ``x0`` and to the
            unconstrained ``alpha`` and ``beta``.
        hidden_units: Hidden layers of that network.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector.
    """

    def _initial(self, size, generator):
        one = np.log(np.expm1(1.0))
        # alpha, and alpha + beta beside it, by way of softplus: beta is near 0.
        return [*generator.normal(size=size), one, one + 0.01 * generator.normal()]

    def _weights(self, context, training):
        """The centre, ``alpha`` and ``alpha + beta``, both positive."""
        parameters = self._parameters_of(context, training)
        centre, alpha, total = tf.split(parameters, [self.event_shape[0], 1, 1], axis=-1)
        return centre, tf.nn.softplus(alpha) + _SMALLEST, tf.nn.softplus(total) + _SMALLEST

    def _forward_and_log_det(self, x, context, training):
        centre, alpha, total = self._weights(context, training)
        offset = x - centre
        radius = safe_norm(offset)
        y = centre + offset * ((radius + total) / (radius + alpha))
        return y, self._log_det(radius, alpha, total)

    def _inverse_and_log_det(self, y, context, training):
        centre, alpha, total = self._weights(context, training)
        offset = y - centre
        reached = safe_norm(offset)
        # r^2 + (total - reached) r - alpha reached = 0, by the form that does not cancel.
        half = (total - reached) / 2
        # In units of the larger term, so that no square overflows.
        unit = tf.stop_gradient(tf.maximum(tf.abs(half), tf.sqrt(alpha) * tf.sqrt(reached)))
        root = unit * tf.sqrt(tf.square(half / unit) + (alpha / unit) * (reached / unit))
        positive = half > 0
        denominator = tf.where(positive, half + root, tf.ones_like(root))
        radius = tf.where(positive, alpha * (reached / denominator), root - half)
        x = centre + offset * ((radius + alpha) / (radius + total))
        return x, -self._log_det(radius, alpha, total)

    def _log_det(self, radius, alpha, total):
        width = radius + alpha
        along = tf.math.log(
            (radius / width) * ((radius + 2 * alpha) / width) + (alpha / width) * (total / width)
        )
        across = tf.math.log(radius + total) - tf.math.log(width)
        return tf.squeeze(along + (self.event_shape[0] - 1) * across, axis=-1)
