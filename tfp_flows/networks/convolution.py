"""Convolutions as matrix products, which XLA runs fast on a CPU in both directions."""

import functools
import itertools

import tensorflow as tf


def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A convolution of stride 1 that keeps height and width, padded with zeros.

    Equal to `tf.nn.conv2d` up to rounding. On a CPU, XLA computes the derivatives of a convolution
    by the kernel an order of magnitude slower than products of the same size; so there the shifts
    are taken apart from the products: before them where the input has fewer channels than the
    output, after them elsewhere.

    Args:
        x: ``[n, height, width, inputs]``.
        kernel: ``[size, size, inputs, outputs]``, of odd size.

    Returns:
        ``[n, height, width, outputs]``.
    """
    size, _, inputs, outputs = kernel.shape
    if size == 1:
        return _product(x, kernel[0, 0])
    if _has_gpu():
        return tf.nn.conv2d(x, kernel, 1, "SAME")
    if inputs <= outputs:
        around = tf.concat(list(_shifts(x, size)), axis=-1)
        return _product(around, tf.reshape(kernel, [size * size * inputs, outputs]))
    # Output (i, j) takes from input (i + a, j + b) what the kernel's entry (a, b) makes of it.
    kernel = tf.reshape(tf.transpose(kernel, [2, 0, 1, 3]), [inputs, size * size * outputs])
    parts = tf.split(_product(x, kernel), size * size, axis=-1)
    places = itertools.product(range(size), repeat=2)
    return tf.add_n(
        [_shifted(part, size, *place) for part, place in zip(parts, places, strict=True)]
    )


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _product(x, kernel):
    rows = tf.matmul(tf.reshape(x, [-1, kernel.shape[0]]), kernel)
    return tf.reshape(rows, tf.concat([tf.shape(x)[:-1], kernel.shape[1:]], axis=0))


def _shifts(x, size):
    for place in itertools.product(range(size), repeat=2):
        yield _shifted(x, size, *place)


def _shifted(x, size, row, column):
    """The image whose pixel ``(i, j)`` is ``x``'s ``(i + row - size // 2, ...)``, 0 outside."""
    half, (height, width) = size // 2, x.shape[1:3]
    padded = tf.pad(x, [[0, 0], [half, half], [half, half], [0, 0]])
    return padded[:, row : row + height, column : column + width]
