"""A masked network laid open: its layers by ascending degree."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfp_flows.numerics import bounded


class Structure(NamedTuple):
    """What is fixed in a masked network; hashable.

    Args:
        degrees: For each hidden layer the degrees of its units, ascending. Unit ``u`` sees the
            coordinates of degree at most ``degrees[k][u]``; coordinates have degrees 1 to ``D``.
        size: ``D``.
        params: ``P``, the number of outputs for each coordinate.
        activation: Elementwise function of the hidden layers.
        residual: Whether each second hidden layer adds the one two before, both before their
            activations.
        input_bound: The first layer sees coordinates squashed into ``(-input_bound, input_bound)``;
            None leaves them.
    """

    degrees: tuple[tuple[int, ...], ...]
    size: int
    params: int
    activation: Callable
    residual: bool
    input_bound: float | None = None

    def entering(self, x: tf.Tensor) -> tf.Tensor:
        """What the first layer sees of coordinates."""
        return x if self.input_bound is None else bounded(x, self.input_bound)

    def skips(self, layer: int) -> bool:
        """Whether hidden layer ``layer`` adds the one two before."""
        return self.residual and layer >= 2 and layer % 2 == 0


class Stack(NamedTuple):
    """The weights of a masked network, coordinates and units by ascending degree.

    Args:
        structure: What is fixed.
        kernels: Masked weights ``[inputs, outputs]`` of the hidden layers and the last one, whose
            outputs ``[D * P]`` have the parameters of a coordinate side by side.
        offsets: What each layer adds, ``[outputs]``, or ``[n, outputs]`` with a context.
    """

    structure: Structure
    kernels: tuple[tf.Tensor, ...]
    offsets: tuple[tf.Tensor, ...]


def pre_activations(
    structure: Structure, products: list[Callable], offsets: list[tf.Tensor], x: tf.Tensor
) -> list[tf.Tensor]:
    """Evaluates a masked network.

    Args:
        structure: What is fixed; its order of the units is not used.
        products: For each layer the function that multiplies with its kernel.
        offsets: What each layer adds.
        x: Inputs ``[n, D]``.

    Returns:
        The values of each hidden layer before its activation, and the output ``[n, D * P]``.
    """
    values, x = [], structure.entering(x)
    for k, (product, offset) in enumerate(zip(products, offsets, strict=True)):
        value = product(structure.activation(values[-1]) if values else x) + offset
        if structure.skips(k) and k < len(structure.degrees):
            value += values[k - 2]
        values.append(value)
    return values
