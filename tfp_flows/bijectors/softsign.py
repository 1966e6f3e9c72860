"""The softsign with a trainable sharpness: one mode becomes two."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.bijectors.base import Bijector


class SoftsignBimodal(Bijector):
    """Squashes each coordinate into (-1, 1), ``y = s x / (1 + s |x|)`` with sharpness ``s > 0``.

    A standard normal becomes a density with two modes and a dip at zero, which is why it serves
    as a first demonstration of a change of variables. The larger the sharpness, the closer the
    modes are to the bounds.

    In float32 ``forward`` rounds to exactly 1 from ``s |x| = 2**25``; ``inverse`` treats values
    at and beyond the bounds as the nearest representable value inside, so that it, its log-det
    and their gradients stay finite everywhere. Data outside [-1, 1] thus has a density of
    practically zero rather than NaN.

    Args:
        event_shape: Shape of an event; each coordinate has a sharpness of its own.
        sharpness: Initial value, positive, one number or one for each coordinate.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the sharpness is not positive and finite.

    Example:
        >>> flow = tfd.TransformedDistribution(
        ...     tfd.Sample(tfd.Normal(0.0, 1.0), [1]), SoftsignBimodal(event_shape=[1]))
    """

    def __init__(self, *, event_shape, sharpness=1.0, dtype=tf.float32, name=None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        initial = np.asarray(sharpness, np.float64)
        if not np.all(np.isfinite(initial) & (initial > 0)):
            raise ValueError(f"sharpness must be positive and finite, got {sharpness!r}.")
        raw = tfp.math.softplus_inverse(np.broadcast_to(initial, self.event_shape))
        self._raw_sharpness = tf.Variable(tf.cast(raw, self.dtype), name="raw_sharpness")
        # One step inside the bounds, so that 1 - |y| is never zero.
        self._largest = 1 - np.finfo(self.dtype.as_numpy_dtype).epsneg

    @property
    def sharpness(self) -> tf.Tensor:
        """The sharpness ``s``, of the event shape."""
        return tf.nn.softplus(self._raw_sharpness)

    def _forward_and_log_det(self, x, context, training):
        sharpness = self.sharpness
        width = 1 + sharpness * tf.abs(x)
        return sharpness * x / width, self._total(tf.math.log(sharpness) - 2 * tf.math.log(width))

    def _inverse_and_log_det(self, y, context, training):
        sharpness = self.sharpness
        inside = tf.clip_by_value(y, -self._largest, self._largest)
        room = 1 - tf.abs(inside)
        x = inside / (sharpness * room)
        return x, self._total(-tf.math.log(sharpness) - 2 * tf.math.log(room))
