"""A trained mixture of Gaussians."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bases.base import Base
from tfp_flows.networks.initial import new_generator


class GaussianMixture(Base):
    """A mixture of Gaussians with trained weights, means and standard deviations of each entry.

    Modes that lie apart need no thin bridges in the flow.

    Args:
        event_shape: Size of the event, a vector.
        num_components: Number of Gaussians.
        spread: Standard deviation of the initial means, positive.
        trainable: Whether the parameters are trained.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial means.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or there is no component.
    """

    def __init__(
        self,
        *,
        event_shape,
        num_components: int = 8,
        spread: float = 1.0,
        trainable: bool = True,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name, reparameterized=False)
        num_components = shapes.positive(num_components, "num_components")
        if not spread > 0:
            raise ValueError(f"spread must be positive, got {spread!r}.")
        means = spread * new_generator(seed).normal(size=(num_components, self._size))
        values = (np.zeros(num_components), means, np.zeros((num_components, self._size)))
        self._logits, self._means, self._log_scales = (
            tf.Variable(tf.cast(value, self.dtype), trainable=trainable, name=label)
            for value, label in zip(values, ("logits", "means", "log_scales"), strict=True)
        )

    def _log_prob(self, value):
        offsets = (value[..., None, :] - self._means) * tf.exp(-self._log_scales)
        log_scale = tf.reduce_sum(self._log_scales, axis=-1)
        log_normal = -0.5 * tf.reduce_sum(tf.square(offsets), axis=-1) - log_scale
        weighted = log_normal + tf.nn.log_softmax(self._logits)
        return tf.reduce_logsumexp(weighted, axis=-1) - 0.5 * self._size * math.log(2 * math.pi)

    def _sample_n(self, n, seed=None):
        which, where = tfp.random.split_seed(seed, n=2)
        chosen = tf.random.stateless_categorical(self._logits[None], n, which)[0]
        noise = tf.random.stateless_normal([n, self._size], where, dtype=self.dtype)
        return tf.gather(self._means, chosen) + noise * tf.exp(tf.gather(self._log_scales, chosen))

    def _mean(self):
        return tf.linalg.matvec(self._means, tf.nn.softmax(self._logits), transpose_a=True)
