"""Uniform angles."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.bases.base import Base


class UniformTorus(Base):
    """Independent uniform angles, drawn from ``[-pi, pi)``.

    The density repeats with every turn, so that it is one over a torus, not over the plane: a base
    for `tfp_flows.flows.circular_nsf` alone.

    Args:
        event_shape: Number of angles.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector.
    """

    def __init__(self, *, event_shape, dtype=tf.float32, name: str | None = None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)

    def _log_prob(self, value):
        return tf.zeros_like(value[..., 0]) - self._size * math.log(2 * math.pi)

    def _sample_n(self, n, seed=None):
        seed = tfp.random.sanitize_seed(seed)
        return tf.random.stateless_uniform([n, self._size], seed, -math.pi, math.pi, self.dtype)
