"""A prior that is none: density one, on the reals or a part of them."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError
from tfp_flows.shapes import as_float_dtype

tfd, tfb = tfp.distributions, tfp.bijectors


class Flat(tfd.Distribution):
    """An improper flat prior: log-density 0 everywhere in its support.

    It has no integral, so a model's log-evidence means nothing with it but up to a constant.
    Whether the posterior has one is for the likelihood to see to. ``sample`` serves to find shapes
    and starts: it draws from some proper distribution on the support.

    Args:
        event_shape: Shape of an event.
        low: Lower end of the support of each entry; None for none.
        high: Upper end; None for none.
        dtype: ``float32`` or ``float64``.
        name: Name of the part in a joint distribution.

    Raises:
        InputError: If ``low`` is not below ``high``.
    """

    def __init__(self, event_shape=(), low=None, high=None, dtype=tf.float32, name="Flat"):
        self._low = -math.inf if low is None else float(low)
        self._high = math.inf if high is None else float(high)
        if not self._low < self._high:
            raise InputError(f"{name}: low must be below high, got {low!r} and {high!r}.")
        self._shape = tf.TensorShape(event_shape)
        super().__init__(
            dtype=as_float_dtype(dtype),
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"event_shape": event_shape, "low": low, "high": high, "name": name},
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _event_shape(self):
        return self._shape

    def _event_shape_tensor(self):
        return tf.constant(self._shape.as_list(), tf.int32)

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self._event_shape_tensor()], axis=0)
        z = tfd.Normal(tf.zeros([], self.dtype), 1.0).sample(shape, seed=seed)
        return self._default_event_space_bijector().forward(z)

    def _log_prob(self, value):
        inside = (value >= self._low) & (value <= self._high)
        entries = tf.where(inside, tf.zeros_like(value), tf.cast(-math.inf, self.dtype))
        return tf.reduce_sum(entries, axis=list(range(-self._shape.rank, 0)))

    def _default_event_space_bijector(self):
        low, high = (tf.constant(end, self.dtype) for end in (self._low, self._high))
        if math.isinf(self._low) and math.isinf(self._high):
            return tfb.Identity()
        if math.isinf(self._high):
            return tfb.Chain([tfb.Shift(low), tfb.Exp()])
        if math.isinf(self._low):
            return tfb.Chain([tfb.Shift(high), tfb.Scale(-tf.ones([], self.dtype)), tfb.Exp()])
        return tfb.Sigmoid(low, high)
