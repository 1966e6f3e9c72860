"""Initial weights of the networks that this package builds."""

import numpy as np
import tensorflow as tf


def new_generator(seed: int | None) -> np.random.Generator:
    """A generator for initial weights; without a seed it follows NumPy's global one."""
    return np.random.default_rng(np.random.randint(2**31) if seed is None else seed)  # noqa: NPY002


def uniform(generator: np.random.Generator, shape, fan_in: int, scale: float = 1.0) -> np.ndarray:
    """Kernels and biases alike, uniform within ``scale / sqrt(fan_in)``.

    Biases that are not zero spread the bends of the hidden units over the data. With zeros, all
    units of a first layer bend at the origin, and flows of tables learn more slowly.

    Args:
        generator: Source of the numbers.
        shape: Shape of the weights.
        fan_in: Number of inputs of the layer.
        scale: Factor on the bound.
    """
    limit = scale / np.sqrt(max(fan_in, 1))
    return generator.uniform(-limit, limit, shape)


def convolution_layer(
    generator: np.random.Generator,
    name: str,
    shape: tuple[int, int, int],
    dtype,
    scale: float = 1.0,
) -> tuple[tf.Variable, tf.Variable]:
    """Kernel and bias of a convolution over sequences.

    Args:
        generator: Source of the numbers.
        name: Of the layer.
        shape: ``[window, inputs, outputs]``.
        dtype: Of the variables.
        scale: Factor on their bound.
    """
    window, inputs, outputs = shape
    kernel = uniform(generator, shape, window * inputs, scale)
    bias = uniform(generator, [outputs], window * inputs, scale)
    return (
        tf.Variable(tf.cast(kernel, dtype), name=f"{name}_kernel"),
        tf.Variable(tf.cast(bias, dtype), name=f"{name}_bias"),
    )
