"""Initial weights of the networks that this package builds."""

import numpy as np


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
