"""Random weights for a network of a submission."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.replies import Malformed, Reply
from tfp_flows.grading.rubrics.realnvp.maths import Normalisation
from tfp_flows.grading.rubrics.realnvp.residual import Convolution

_MOST_NUMBERS = 4_000_000  # in all variables; the assignment's networks have some thousands
_STATISTICS = ("moving_mean", "moving_variance")
_NORMALISATION = ("gamma", "beta", *_STATISTICS)


class Weights(NamedTuple):
    """Values of all variables of a network, and the layers that they make.

    Attributes:
        arrays: The values.
        trained: Indices of variables that are no statistics.
        convolutions: In order.
        normalisations: In order.
    """

    arrays: list[np.ndarray]
    trained: list[int]
    convolutions: list[Convolution]
    normalisations: list[Normalisation]


def random_weights(random: np.random.Generator, variables: Sequence[Reply]) -> Weights:
    """Random values for all variables, sorted into convolutions and normalisations.

    Raises:
        Malformed: There cannot be so many, or they do not fit together in a layer.
    """
    arrays: list[np.ndarray] = []
    trained: list[int] = []
    layers: dict[int, dict[str, np.ndarray]] = {}
    shapes = [variable.shape("shape") for variable in variables]
    numbers = sum(math.prod(max(1, length) for length in shape) for shape in shapes)
    if numbers > _MOST_NUMBERS:
        raise Malformed  # there cannot be so many
    for variable, shape in zip(variables, shapes, strict=True):
        role = variable.text("role")
        array = _random_weight(random, role, shape)
        if role not in _STATISTICS:
            trained.append(len(arrays))
        arrays.append(array)
        layers.setdefault(variable.integer("layer"), {})[role] = array
    convolutions, normalisations = [], []
    for layer in layers.values():
        if "kernel" in layer and layer["kernel"].ndim == 4:
            features = layer["kernel"].shape[-1:]
            bias = layer.get("bias", np.zeros(features))
            if bias.shape != features:
                raise Malformed
            convolutions.append(Convolution(layer["kernel"], bias))
        elif set(_STATISTICS) <= set(layer):
            normalisations.append(_normalisation(layer))
    return Weights(arrays, trained, convolutions, normalisations)


def _normalisation(layer: dict[str, np.ndarray]) -> Normalisation:
    features = layer["moving_mean"].shape
    absent = {"gamma": np.ones(features), "beta": np.zeros(features)}
    group = [layer.get(role, absent.get(role)) for role in _NORMALISATION]
    if any(array.shape != features or array.ndim != 1 for array in group):
        raise Malformed  # it would be broadcast
    return Normalisation(*group)


def _random_weight(random: np.random.Generator, role: str, shape: Sequence[int]) -> np.ndarray:
    bound = 1.5 / np.sqrt(max(1, np.prod(shape[:-1]))) if role == "kernel" else 0.5
    low, high = {"gamma": (0.6, 1.4), "moving_variance": (0.5, 1.5)}.get(role, (-bound, bound))
    return random.uniform(low, high, shape).astype(np.float32)
