"""Learned orthogonal maps."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.vectors import ParametricVector


def reflected(vectors: tf.Tensor, columns: int) -> tf.Tensor:
    """The first columns of a product of reflections.

    Args:
        vectors: ``[..., K, D]``, normal vectors of the planes, of any length but zero.
        columns: Number of columns ``M``, at most ``D``.

    Returns:
        ``[..., D, M]`` with orthonormal columns.
    """
    count, size = vectors.shape[-2:]
    batch = tf.shape(vectors)[:-2]
    result = tf.eye(size, columns, dtype=vectors.dtype)
    result = tf.broadcast_to(result, tf.concat([batch, [size, columns]], axis=0))
    square = tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True)
    tiny = np.finfo(vectors.dtype.as_numpy_dtype).tiny
    scaled = 2 * vectors / tf.maximum(square, tiny)
    for k in reversed(range(count)):
        along = tf.matmul(vectors[..., k, None, :], result)
        result -= scaled[..., k, :, None] * along
    return result


class Householder(ParametricVector):
    """``y = Q x`` with a learned orthogonal ``Q``, a product of reflections; of volume 1.

    ``D`` reflections reach every orthogonal matrix of their determinant.

    Source: Tomczak and Welling 2016, arXiv:1611.09630, section 3.2.

    Args:
        event_shape: Size of the event, a vector.
        num_reflections: Number of reflections; as many as dimensions by default.
        context_shape: Size of the context. With one, a network adds to the planes.
        hidden_units: Hidden layers of that network.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or there is no reflection.
    """

    def __init__(
        self,
        *,
        event_shape,
        num_reflections=None,
        context_shape=None,
        hidden_units=(32,),
        dtype=tf.float32,
        seed=None,
        name=None,
    ):
        self._count = None
        if num_reflections is not None:
            self._count = shapes.positive(num_reflections, "num_reflections")
        super().__init__(
            event_shape=event_shape,
            context_shape=context_shape,
            hidden_units=hidden_units,
            dtype=dtype,
            seed=seed,
            name=name,
        )

    def _initial(self, size, generator):
        return generator.normal(size=(self._count or size) * size)

    def _matrix(self, context, training):
        size = self.event_shape[0]
        parameters = self._parameters_of(context, training)
        shape = tf.concat([tf.shape(parameters)[:-1], [self._count or size, size]], axis=0)
        return reflected(tf.reshape(parameters, shape), size)

    def _forward_and_log_det(self, x, context, training):
        y = tf.linalg.matvec(self._matrix(context, training), x)
        return y, tf.zeros_like(y[..., 0])

    def _inverse_and_log_det(self, y, context, training):
        x = tf.linalg.matvec(self._matrix(context, training), y, transpose_a=True)
        return x, tf.zeros_like(x[..., 0])
