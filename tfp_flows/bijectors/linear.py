"""Learned invertible linear maps."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.places import over_places
from tfp_flows.bijectors.scale import total_log_scale
from tfp_flows.bijectors.vectors import vector_size
from tfp_flows.errors import unknown_name
from tfp_flows.networks.initial import new_generator
from tfp_flows.numerics import bounded, positive_bound


def _cosines(size, seed):
    """The orthonormal cosine transform (DCT-II): row ``k`` is the ``k``-th frequency."""
    places, k = np.arange(size) + 0.5, np.arange(size)[:, None]
    return np.sqrt(2 / size) * np.where(k, np.cos(np.pi * k * places / size), np.sqrt(0.5))


_INITIAL = {
    "rotation": lambda size, seed: np.linalg.qr(new_generator(seed).normal(size=(size, size)))[0],
    "identity": lambda size, seed: np.eye(size),
    "cosines": _cosines,
    "reversal": lambda size, seed: np.eye(size)[::-1],
}


class InvertibleLinear(Bijector):
    """``y = P L U x``, with a fixed permutation ``P`` and triangular ``L`` and ``U``.

    ``L`` has a diagonal of ones, ``U`` one of fixed signs and trained log-magnitudes, so the map
    is invertible whatever the weights are and its log-det costs O(D). It starts as a random
    rotation, of log-det 0, or as the identity.

    Source: Glow, Kingma and Dhariwal 2018, arXiv:1807.03039, section 3.2.

    Args:
        event_shape: Size of the event, a vector.
        initial: ``"rotation"``, ``"identity"``, ``"cosines"`` (from data ordered in time to their
            frequencies, lowest first) or ``"reversal"`` of the order.
        seed: Seed of the rotation.
        max_log_scale: Bound on the log-magnitudes of the diagonal of ``U``; None for none.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or the bound is not positive.
    """

    def __init__(
        self,
        *,
        event_shape,
        initial="rotation",
        seed=None,
        max_log_scale=None,
        dtype=tf.float32,
        name=None,
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        size = self._size()
        self._max_log_scale = positive_bound(max_log_scale, "max_log_scale")
        if initial not in _INITIAL:
            raise unknown_name("initial", initial, _INITIAL)
        matrix = _INITIAL[initial](size, seed)
        with tf.init_scope():
            packed, order = tf.linalg.lu(tf.constant(matrix, tf.float64))
        packed = packed.numpy()
        diagonal = np.diag(packed)
        # Row order[i] of the matrix is row i of LU. Variables, so that they are saved.
        self._order = tf.Variable(order, trainable=False, name="order")
        self._signs = tf.Variable(
            tf.cast(np.sign(diagonal), self.dtype), trainable=False, name="signs"
        )
        logs = np.log(np.abs(diagonal))
        if self._max_log_scale is not None:
            # What is squashed is the logarithm; far beyond the bound it starts at nine tenths.
            share = np.clip(logs / self._max_log_scale, -0.9, 0.9)
            logs = self._max_log_scale * np.arctanh(share)
        self._log_diagonal = tf.Variable(tf.cast(logs, self.dtype), name="log_diagonal")
        self._lower = tf.Variable(tf.cast(np.tril(packed, -1), self.dtype), name="lower")
        self._upper = tf.Variable(tf.cast(np.triu(packed, 1), self.dtype), name="upper")
        self._below = np.tril(np.ones((size, size)), -1)

    def _size(self):
        return vector_size(self)

    def _log_magnitudes(self):
        if self._max_log_scale is None:
            return self._log_diagonal
        return bounded(self._log_diagonal, self._max_log_scale)

    def _triangles(self):
        below = tf.constant(self._below, self.dtype)
        eye = tf.eye(self.event_shape[-1], dtype=self.dtype)
        diagonal = tf.linalg.diag(self._signs * tf.exp(self._log_magnitudes()))
        return self._lower * below + eye, self._upper * tf.transpose(below) + diagonal

    def _forward_and_log_det(self, x, context, training):
        lower, upper = self._triangles()
        flat = shapes.flatten_batch(x)
        # P applied to rows: row order[i] of the result is row i of L U x.
        matrix = tf.gather(tf.matmul(lower, upper), tf.math.invert_permutation(self._order))
        y = tf.matmul(flat, matrix, transpose_b=True)
        return shapes.unflatten_batch(y, x, 1, self.event_shape[-1:]), self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        lower, upper = self._triangles()
        columns = tf.transpose(tf.gather(shapes.flatten_batch(y), self._order, axis=-1))
        columns = tf.linalg.triangular_solve(lower, columns, lower=True)
        columns = tf.linalg.triangular_solve(upper, columns, lower=False)
        x = shapes.unflatten_batch(tf.transpose(columns), y, 1, self.event_shape[-1:])
        return x, -self._log_det(y)

    def _log_det(self, value):
        return total_log_scale(self, self._log_magnitudes(), value)


class InvertibleConv1x1(InvertibleLinear):
    """One learned invertible linear map of the channels, at every place of an image or sequence.

    The way to the latent, which training takes, is the product ``x = P L U y``; the way back
    solves with the triangles. Otherwise as `InvertibleLinear`.

    Source: Glow, Kingma and Dhariwal 2018, arXiv:1807.03039, section 3.2.

    Args:
        event_shape: ``(height, width, channels)``, or ``(length, channels)`` of a sequence;
            lengths may be free, None.
        initial: ``"rotation"``, ``"identity"``, ``"cosines"`` (from data ordered in time to their
            frequencies, lowest first) or ``"reversal"`` of the order.
        seed: Seed of the rotation.
        max_log_scale: Bound on the log-magnitudes of the diagonal of ``U``; None for none.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the event has no places.
    """

    free_lengths = True

    def _size(self):
        if len(self.event_shape) < 2:
            raise ValueError(
                f"{self.name} needs images [height, width, channels] or sequences [length, "
                f"channels] as events, got event_shape {self.event_shape}."
            )
        return self.event_shape[-1]

    def _forward_and_log_det(self, x, context, training):
        return super()._inverse_and_log_det(x, context, training)

    def _inverse_and_log_det(self, y, context, training):
        return super()._forward_and_log_det(y, context, training)

    def _inverse_and_log_det_map(self, y, context, training):
        share = tf.reduce_sum(self._log_magnitudes())
        return self._inverse_value(y, context, training), over_places(y, share)
