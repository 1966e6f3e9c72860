"""Log-dets from autodiff, independent of what a bijector says."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf


def autodiff_log_det(function: Callable, x: tf.Tensor, context=None) -> np.ndarray:
    """The log-determinant of a function's Jacobian at each member of a batch.

    One backward pass: the batch is repeated once for each output, and of repetition ``i`` the
    output ``i`` alone is followed back.

    Args:
        function: Maps ``[n, *shape]``, and a context ``[n, ...]`` if there is one, to as many
            entries an event.
        x: ``[n, *shape]``.
        context: ``[n, ...]`` or None.

    Returns:
        ``[n]``, float64.
    """
    n, size = x.shape[0], math.prod(x.shape[1:])

    def repeated(value):
        return tf.tile(value, [size] + [1] * (value.shape.rank - 1))

    many = repeated(x)
    arguments = [] if context is None else [repeated(context)]
    with tf.GradientTape() as tape:
        tape.watch(many)
        outputs = tf.reshape(function(many, *arguments), [size, n, size])
        chosen = tf.reduce_sum(outputs * tf.eye(size, dtype=x.dtype)[:, tf.newaxis])
    rows = tape.gradient(chosen, many, unconnected_gradients="zero")
    jacobian = tf.reshape(rows, [size, n, size]).numpy().astype(np.float64)
    return np.linalg.slogdet(np.moveaxis(jacobian, 1, 0))[1]
