"""Affine maps: a triangular matrix, part of it given, part of it learned."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.vectors import vector_size
from tfp_flows.errors import unknown_name

_LEARNED = ("triangular", "diagonal", "nothing")


class TriangularAffine(Bijector):
    """``y = shift + C (b + M x)``: a given affine map, and a learned one before it.

    ``C`` and ``shift`` are given, those of a Gaussian near the data say; ``b`` and ``M`` are
    learned, in its units, from zero and the identity. ``M`` is lower-triangular with a positive
    diagonal, so that the whole reaches every Gaussian if ``C`` is triangular too.

    Args:
        event_shape: Size of the event, a vector.
        shift: ``[D]``; zeros by default.
        scale: ``[D]``, the diagonal of ``C``, or ``[D, D]``, lower-triangular; positive on the
            diagonal. The identity by default.
        learned: ``"triangular"``, ``"diagonal"`` (``M`` has its diagonal alone) or ``"nothing"``.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        InputError: If there is no such ``learned``.
        ValueError: If the event is not a vector, or shift or scale do not fit it.
    """

    def __init__(
        self,
        *,
        event_shape,
        shift=None,
        scale=None,
        learned="triangular",
        dtype=tf.float32,
        name=None,
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        if learned not in _LEARNED:
            raise unknown_name("learned", learned, _LEARNED)
        size = vector_size(self)
        self._shift = self._given(np.zeros(size) if shift is None else shift, [(size,)], "shift")
        scale = np.ones(size) if scale is None else scale
        self._scale = self._given(scale, [(size,), (size, size)], "scale")
        values = self._scale.numpy()
        full = values.ndim == 2
        if not (np.diag(values) if full else values).min() > 0 or (
            full and np.triu(values, 1).any()
        ):
            raise ValueError(
                f"{self.name} needs a scale that is positive, or lower-triangular with a positive "
                f"diagonal, got {values}."
            )
        self._offset = self._log_diagonal = self._lower = None
        if learned != "nothing":
            self._offset = tf.Variable(tf.zeros([size], self.dtype), name="offset")
            self._log_diagonal = tf.Variable(tf.zeros([size], self.dtype), name="log_diagonal")
        if learned == "triangular" and size > 1:
            # Only what lies below the diagonal counts.
            self._lower = tf.Variable(tf.zeros([size, size], self.dtype), name="lower")
            self._below = np.tril(np.ones((size, size)), -1)

    def _given(self, values, allowed, name) -> tf.Variable:
        """A given array, as a variable, so that it is saved."""
        values = np.asarray(values)
        if values.shape not in allowed:
            raise ValueError(
                f"{self.name} needs a {name} of shape {' or '.join(map(str, allowed))}, got "
                f"{values.shape}."
            )
        return tf.Variable(tf.cast(values, self.dtype), trainable=False, name=name)

    def given(self, x) -> tf.Tensor:
        """The given map alone, ``shift + C x``, of vectors ``[..., D]``."""
        full = self._scale.shape.rank == 2
        return self._shift + (tf.linalg.matvec(self._scale, x) if full else self._scale * x)

    def _matrix(self) -> tf.Tensor:
        below = tf.constant(self._below, self.dtype) * self._lower
        return tf.linalg.set_diag(below, tf.exp(self._log_diagonal))

    def _forward_and_log_det(self, x, context, training):
        y = x
        if self._lower is not None:
            y = tf.linalg.matvec(self._matrix(), y)
        elif self._log_diagonal is not None:
            y *= tf.exp(self._log_diagonal)
        if self._offset is not None:
            y += self._offset
        return self.given(y), self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        x = y - self._shift
        x = x / self._scale if self._scale.shape.rank == 1 else _solved(self._scale, x)
        if self._offset is not None:
            x -= self._offset
        if self._lower is not None:
            x = _solved(self._matrix(), x)
        elif self._log_diagonal is not None:
            x *= tf.exp(-self._log_diagonal)
        return x, -self._log_det(y)

    def _log_det(self, value):
        scale = self._scale
        diagonal = scale if scale.shape.rank == 1 else tf.linalg.diag_part(scale)
        total = tf.reduce_sum(tf.math.log(diagonal))
        if self._log_diagonal is not None:
            total += tf.reduce_sum(self._log_diagonal)
        return tf.broadcast_to(total, shapes.batch_shape_tensor(value, 1))


def _solved(matrix, values):
    """The solution of a lower-triangular system for each row of ``[..., D]``."""
    rows = tf.reshape(values, [-1, values.shape[-1]])
    solved = tf.linalg.triangular_solve(matrix, tf.transpose(rows))
    return tf.reshape(tf.transpose(solved), tf.shape(values))
