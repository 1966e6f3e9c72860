"""Planar flow: expands or contracts space across a hyperplane."""

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.vectors import ParametricVector
from tfp_flows.numerics import solve_increasing

_SMALLEST_SLOPE = 1e-4


class Planar(ParametricVector):
    """``y = x + u tanh(w.x + b)``, with ``u`` constrained so that it is invertible.

    The log-det costs O(D). The inverse solves one increasing scalar equation an event, to machine
    precision; its gradients come from the implicit function, so both directions can be trained.

    Source: Rezende and Mohamed 2015, arXiv:1505.05770, equations 10 to 12 and appendix A.1.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context. With one, a network adds to ``w``, ``u`` and ``b``.
        hidden_units: Hidden layers of that network.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector.
    """

    def _initial(self, size, generator):
        w = generator.normal(size=size)
        w /= np.linalg.norm(w)
        # The constraint maps w.u = log(e - 1) to zero: the flow starts near the identity.
        u = np.log(np.expm1(1.0)) * w + 0.01 * generator.normal(size=size)
        return np.concatenate([w, u, generator.normal(size=1)])

    def _weights(self, context, training):
        """``w``, the constrained ``u``, ``b``, and ``1 + w.u > 0``."""
        size = self.event_shape[0]
        w, u, b = tf.split(self._parameters_of(context, training), [size, size, 1], axis=-1)
        product = tf.reduce_sum(w * u, axis=-1, keepdims=True)
        slope = tf.maximum(tf.nn.softplus(product), _SMALLEST_SLOPE)
        square = tf.reduce_sum(tf.square(w), axis=-1, keepdims=True)
        # With w = 0 there is nothing to constrain, and no direction in which to do it.
        usable = square > np.finfo(self.dtype.as_numpy_dtype).tiny
        slope = tf.where(usable, slope, 1 + product)
        u += (slope - 1 - product) * w / tf.where(usable, square, tf.ones_like(square))
        return w, u, b, slope

    def _forward_and_log_det(self, x, context, training):
        w, u, b, slope = self._weights(context, training)
        bend = tf.tanh(tf.reduce_sum(w * x, axis=-1, keepdims=True) + b)
        return x + u * bend, _log_det(bend, slope)

    def _inverse_and_log_det(self, y, context, training):
        w, u, b, slope = self._weights(context, training)
        # With p = w.x + b the equation is p + (w.u) tanh(p) = w.y + b.
        target = tf.reduce_sum(w * y, axis=-1, keepdims=True) + b
        strength = tf.broadcast_to(slope - 1, tf.shape(target))

        def residual(p):
            bend = tf.tanh(p)
            return p + strength * bend - target, tf.square(bend) + slope * (1 - tf.square(bend))

        reach = tf.abs(strength) * (1 + 1e-3) + 1e-3
        bend = tf.tanh(solve_increasing(residual, target - reach, target + reach))
        return y - u * bend, -_log_det(bend, slope)


def _log_det(bend, slope):
    # 1 + (w.u) h' as tanh^2 + (1 + w.u)(1 - tanh^2): a sum of positive terms cannot cancel.
    square = tf.square(bend)
    return tf.squeeze(tf.math.log(square + slope * (1 - square)), axis=-1)
