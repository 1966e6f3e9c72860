"""Tails of latents that one row cannot fall out of."""

import math

import tensorflow as tf

from tfp_flows.bijectors.base import Bijector

# Exponent at which the tail goes on straight, so that a latent of any size has a finite event.
_STEEPEST = 60.0


class PowerTails(Bijector):
    """The identity within a knee ``c``, ``y = c exp((x^2 / c^2 - 1) / 2)`` with its sign beyond.

    A standard normal latent keeps its density within ``c`` and has tails ``|y|^(-c^2)`` beyond,
    with a continuous slope and an exact log-det. At the latent end of a flow a row that layers have
    thrown to ``y = 100`` then costs 41 nats instead of 5,000, and one at 1,000 64 instead of
    500,000, while data that are normal lose 0.00006 nats a coordinate (``c = 3``).

    Args:
        event_shape: Shape of an event.
        knee: Where the tails begin, in deviations of the latents.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the knee is not positive and finite.
    """

    free_lengths = True

    def __init__(self, *, event_shape, knee: float = 3.0, dtype=tf.float32, name=None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        if knee is None or not 0 < knee < math.inf:
            raise ValueError(f"knee must be positive and finite, got {knee!r}.")
        self._knee = float(knee)
        # The place where a tail goes on straight, and its slope there.
        self._last = self._knee * math.sqrt(2 * _STEEPEST + 1)
        self._far = self._knee * math.exp(_STEEPEST)
        self._slope = math.exp(_STEEPEST) * self._last / self._knee

    def _forward_and_log_det(self, x, context, training):
        value, log_slopes = self._outward(x)
        return value, self._total(log_slopes)

    def _inverse_and_log_det(self, y, context, training):
        value, log_slopes = self._inward(y)
        return value, self._total(log_slopes)

    def _inverse_and_log_det_map(self, y, context, training):
        value, log_slopes = self._inward(y)
        return value, tf.reduce_sum(log_slopes, axis=-1)

    def _outward(self, x):
        size, inner = tf.abs(x), tf.clip_by_value(x, -self._knee, self._knee)
        share = 1 + self._past(size, self._last) / self._knee
        steep = (share**2 - 1) / 2
        beyond = self._knee * tf.math.expm1(steep)
        beyond += self._slope * tf.nn.relu(size - self._last)
        return inner + tf.sign(x) * beyond, steep + tf.math.log(share)

    def _inward(self, y):
        size, inner = tf.abs(y), tf.clip_by_value(y, -self._knee, self._knee)
        steep = tf.math.log1p(self._past(size, self._far) / self._knee)
        share = tf.sqrt(1 + 2 * steep)
        beyond = self._knee * (share - 1) + tf.nn.relu(size - self._far) / self._slope
        return inner + tf.sign(y) * beyond, -steep - tf.math.log(share)

    def _past(self, size, end):
        """How far it is past the knee; flat at the knee, where the identity has the slope."""
        return tf.nn.relu(tf.minimum(size, end) - self._knee)
