"""Convolutions as matrix products, which XLA runs fast on a CPU in both directions."""

import functools
import itertools

import tensorflow as tf

from tfp_flows import shapes


def convolve(x: tf.Tensor, kernel: tf.Tensor, dilation: int = 1) -> tf.Tensor:
    """A convolution of stride 1 that keeps all lengths, padded with zeros.

    Equal to `tf.nn.convolution` up to rounding. On a CPU, XLA computes the derivatives of a
    convolution by the kernel an order of magnitude slower than products of the same size; so there
    the shifts are taken apart from the products: before them where the input has fewer channels
    than the output, after them elsewhere.

    Args:
        x: ``[n, height, width, inputs]`` of images, ``[n, length, inputs]`` of sequences.
        kernel: ``[size, size, inputs, outputs]`` or ``[size, inputs, outputs]``, of odd size.
        dilation: Distance between the places that neighbouring entries of the kernel see.

    Returns:
        ``[n, height, width, outputs]`` or ``[n, length, outputs]``.
    """
    size, axes = kernel.shape[0], kernel.shape.rank - 2
    inputs, outputs = kernel.shape[-2:]
    if size == 1:
        return _product(x, kernel[(0,) * axes])
    if _has_gpu():
        return tf.nn.convolution(x, kernel, padding="SAME", dilations=dilation)
    places = list(itertools.product(range(size), repeat=axes))
    if inputs <= outputs:
        around = tf.concat([_shifted(x, size, place, dilation) for place in places], axis=-1)
        return _product(around, tf.reshape(kernel, [len(places) * inputs, outputs]))
    # Output (i, j) takes from input (i + a, j + b) what the kernel's entry (a, b) makes of it.
    kernel = tf.transpose(kernel, [axes, *range(axes), axes + 1])
    kernel = tf.reshape(kernel, [inputs, len(places) * outputs])
    parts = zip(tf.split(_product(x, kernel), len(places), axis=-1), places, strict=True)
    return tf.add_n([_shifted(part, size, place, dilation) for part, place in parts])


def convolve_each(x: tf.Tensor, kernel: tf.Tensor, dilation: int = 1) -> tf.Tensor:
    """A convolution of each channel by itself, otherwise as `convolve`.

    Args:
        x: ``[n, length, channels]``.
        kernel: ``[size, channels]``, of odd size.
        dilation: Distance between the places that neighbouring entries of the kernel see.

    Returns:
        ``[n, length, channels]``.
    """
    size = kernel.shape[0]
    return tf.add_n([_shifted(x, size, (at,), dilation) * kernel[at] for at in range(size)])


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _product(x, kernel):
    rows = tf.matmul(tf.reshape(x, [-1, kernel.shape[0]]), kernel)
    return tf.reshape(rows, tf.concat([tf.shape(x)[:-1], kernel.shape[1:]], axis=0))


def _shifted(x, size, place, dilation):
    """The image whose pixel ``(i, j)`` is ``x``'s ``(i + place[0] - size // 2, ...)``, or 0."""
    half, axes = size // 2 * dilation, len(place)
    padded = tf.pad(x, [[0, 0], *[[half, half]] * axes, [0, 0]])
    lengths = shapes.sizes(x, range(1, axes + 1))
    starts = [at * dilation for at in place]
    window = [slice(at, at + length) for at, length in zip(starts, lengths, strict=True)]
    return padded[(slice(None), *window)]
