"""What base distributions share."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.copies import Copied

tfd = tfp.distributions


class Base(Copied, tfd.Distribution):
    """A distribution, over vectors but for some, that makes its variables itself.

    A subclass writes ``_log_prob(value)``, ``[..., D]`` to ``[...]`` in nats, and
    ``_sample_n(n, seed)``, to ``[n, D]``. One that is independent over entries also writes
    ``log_prob_entries(value)``, to ``[..., D]``, which serves densities by place.

    Args:
        event_shape: Size of the event, a vector.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.
        reparameterized: Whether samples carry gradients to the variables.

    Raises:
        ValueError: If the event is not a vector.
    """

    of_vectors = True

    def __init__(self, *, event_shape, dtype, name, reparameterized: bool = True):
        shape = shapes.as_shape(event_shape, "event_shape", free=not self.of_vectors)
        if self.of_vectors and len(shape) != 1:
            raise ValueError(f"{type(self).__name__} models vectors, got event_shape {shape}.")
        self._shape, self._size = shape, shape[-1]
        kind = tfd.FULLY_REPARAMETERIZED if reparameterized else tfd.NOT_REPARAMETERIZED
        super().__init__(
            dtype=shapes.as_float_dtype(dtype),
            reparameterization_type=kind,
            validate_args=False,
            allow_nan_stats=True,
            parameters=dict(self.get_config()),
            name=name or type(self).__name__,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _event_shape(self):
        return tf.TensorShape(self._shape)

    def _event_shape_tensor(self):
        # As TensorFlow writes sizes that are not known.
        return tf.constant([-1 if size is None else size for size in self._shape])

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity()

    def _variable(self, value, name: str) -> tf.Variable:
        return tf.Variable(tf.cast(value, self.dtype), name=name)
