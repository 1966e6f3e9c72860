"""A standardiser of what a flow is conditioned on."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.embedding import check_names
from tfp_flows.real import real_array
from tfp_flows.spread import check_precision, spread, two_valued

# Beyond so many scales a context is drawn in, as logarithm.
KNEE = 16.0


class ContextStandardizer(tf.Module):
    """``(c - shift) / scale`` for each entry of a vector, or each channel of a larger context.

    The identity until `adapt` has seen contexts. Shift and scale are mean and standard deviation,
    or those of the bulk where a few values are far from all others (`tfp_flows.spread`); values
    more than 16 scales out are drawn in, as a logarithm. Entries with two values become 0 and 1,
    so that one-hot classes and masks stay what they are, however rare one is; constant entries
    keep scale 1. Integers, numbers of classes say, are left alone.

    Args:
        context_shape: Shape of the context, or a dict of shapes; None for free lengths.
        context_dtype: Its dtype, or a dict of dtypes.
        owner: Name of the flow, for errors.
    """

    def __init__(self, context_shape, context_dtype, owner: str):
        super().__init__(name="standardized_context")
        self._owner = owner
        self._names = sorted(context_shape) if isinstance(context_shape, dict) else None
        self._parts = [
            _Part(shape, dtype, owner, name)
            for name, shape, dtype in self._each(context_shape, context_dtype)
        ]
        self._adapted = tf.Variable(False, trainable=False, name="context_adapted")

    @property
    def needs_adapt(self) -> bool:
        """Whether `adapt` was never called."""
        return not bool(self._adapted.numpy())

    def adapt(self, context) -> None:
        """Measures contexts ``[n, *context_shape]``, or a dict of them.

        Raises:
            ValueError: If a name or a shape does not fit, or the contexts hold anything but finite
                real numbers whose spread the flow's precision resolves.
        """
        for part, (name, value) in zip(self._parts, self._each(context), strict=True):
            part.adapt(value, name)
        self._adapted.assign(True)

    def keep_as_is(self) -> None:
        """Makes it the identity, that waits for no data."""
        for part in self._parts:
            part.reset()
        self._adapted.assign(True)

    def __call__(self, context):
        """The standardised context, in the form of the raw one.

        Raises:
            ValueError: If a name or a shape does not fit.
        """
        values = [
            part(value, name)
            for part, (name, value) in zip(self._parts, self._each(context), strict=True)
        ]
        return values[0] if self._names is None else dict(zip(self._names, values, strict=True))

    def _each(self, *wholes):
        if self._names is None:
            return [("context", *wholes)]
        for whole in wholes:
            check_names(whole, self._names)
        return [(f"context[{n!r}]", *(whole[n] for whole in wholes)) for n in self._names]


class _Part(tf.Module):
    """The standardiser of one array."""

    def __init__(self, shape, dtype, owner, name):
        super().__init__()
        self._shape, self._dtype, self._owner = self._no_dependency(tuple(shape)), dtype, owner
        self._moves = dtype.is_floating
        if self._moves:
            label = "".join(c if c.isalnum() else "_" for c in name).strip("_")
            zeros, largest = tf.zeros(self._shape[-1:], dtype), tf.constant(dtype.max, dtype)
            self._shift = tf.Variable(zeros, trainable=False, name=f"{label}_shift")
            self._scale = tf.Variable(zeros + 1, trainable=False, name=f"{label}_scale")
            self._knee = tf.Variable(largest, trainable=False, name=f"{label}_knee")

    def reset(self):
        if self._moves:
            self._shift.assign(tf.zeros_like(self._shift))
            self._scale.assign(tf.ones_like(self._scale))
            self._knee.assign(self._dtype.max)

    def adapt(self, context, name):
        if not self._moves:
            return
        values = real_array(context, name, booleans=True)
        if not tf.TensorShape(values.shape[1:]).is_compatible_with(self._shape) or not len(values):
            expected = ", ".join(["n", *map(str, self._shape)])
            raise ValueError(
                f"{self._owner}: {name} has shape {values.shape}, expected [{expected}] with n > 0."
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{self._owner}: {name} must be finite, got NaN or infinite values.")
        if len(self._shape) > 1:
            values = values.reshape(-1, values.shape[-1])
        check_precision(values, self._dtype.as_numpy_dtype, name)
        measured = spread(values, robust=True)
        low, high, two = two_valued(values)
        self._shift.assign(tf.cast(np.where(two, low, measured.centre), self._dtype))
        self._scale.assign(tf.cast(np.where(two, high - low, measured.scale), self._dtype))
        self._knee.assign(KNEE)

    def __call__(self, context, name):
        context = shapes.as_float_tensor(context, self._dtype, name)
        context = shapes.check_event(context, self._shape, name, self._owner)
        if not self._moves:
            return context
        value = (context - self._shift) / self._scale
        inner = tf.clip_by_value(value, -self._knee, self._knee)
        return inner + tf.sign(value) * tf.math.log1p(tf.abs(value) - tf.abs(inner))
