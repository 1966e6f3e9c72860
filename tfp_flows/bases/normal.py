"""The standard normal over events of any shape, lengths that are free among them."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bases.base import Base


class StandardNormal(Base):
    """Independent standard normal entries; the length of a free axis is that of each value.

    A density is the sum over all entries of a value, however long it is, and a sample is as long as
    it is asked to be.

    Args:
        event_shape: Shape of an event, with None for free lengths.
        batch_shape: Shape of a batch of equal distributions.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Example:
        >>> base = tff.bases.StandardNormal(event_shape=(None, 4))
        >>> base.sample(3, length=10)       # [3, 10, 4]
    """

    of_vectors = False

    def __init__(self, *, event_shape, batch_shape=(), dtype=tf.float32, name: str | None = None):
        self._batch = tuple(batch_shape)
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)

    def log_prob_entries(self, value) -> tf.Tensor:
        """The log-density of each entry, in nats, of the shape of ``value``."""
        value = tf.convert_to_tensor(value, self.dtype)
        return -(tf.square(value) + math.log(2 * math.pi)) / 2

    def spread(self, batch_shape) -> "StandardNormal":
        """A batch of distributions like this one."""
        return StandardNormal(event_shape=self._shape, batch_shape=batch_shape, dtype=self.dtype)

    def _batch_shape(self):
        return tf.TensorShape(self._batch)

    def _batch_shape_tensor(self):
        return tf.constant(self._batch, tf.int32)

    def _log_prob(self, value):
        axes = list(range(-len(self._shape), 0))
        entries = self.log_prob_entries(shapes.check_event(value, self._shape, "value", self.name))
        result = tf.reduce_sum(entries, axis=axes)
        return result + tf.zeros(self._batch, self.dtype) if self._batch else result

    def _sample_n(self, n, seed=None, length=None):
        """``length`` is the length of the free axis, or those of all, in order."""
        lengths = [] if length is None else length
        lengths = list(lengths) if isinstance(lengths, list | tuple) else [lengths]
        if len(lengths) != self._shape.count(None):
            raise ValueError(
                f"{self.name}: events {self._shape} need length=..., a number for each None, got "
                f"{length!r}."
            )
        lengths = iter(lengths)
        event = [next(lengths) if size is None else size for size in self._shape]
        shape = tf.stack([n, *self._batch, *event])
        return tf.random.stateless_normal(shape, tfp.random.sanitize_seed(seed), dtype=self.dtype)

    def _mean(self):
        ones = [1 if size is None else size for size in self._shape]
        return tf.zeros([*self._batch, *ones], self.dtype)

    _mode = _mean
