"""Gradients that a submission's code has, against differences of what is right.

TensorFlow cuts them without a word: at `tf.stop_gradient`, NumPy, and casts to whole numbers.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.trial import Finding

# Of the sum of all that a direction adds: single precision, and corners of relu.
_TOLERANCE = 5e-3
_CUTTERS = "tf.stop_gradient, NumPy and casts to whole numbers cut them"
_STEP = 1e-5


def gradients_of(reply: Reply, key: str = "gradients") -> list[Value]:
    """Those that a probe has found, one for each array that it was to derive by."""
    return [entry.value("value") for entry in reply.replies(key)]


def told(what: str) -> Finding:
    """The finding about gradients that do not arrive somewhere."""
    return Finding(
        "gradient", f"Gradients to {what} are cut or wrong ({_CUTTERS}): it cannot train."
    )


def cut(
    function: Callable[[Sequence[np.ndarray]], float],
    arrays: Sequence[np.ndarray],
    gradients: Sequence[Value],
    random: np.random.Generator,
    *,
    groups: Sequence[Sequence[int]] | None = None,
) -> set[int]:
    """The groups of arrays whose gradient is not the function's.

    Each is compared with central differences along a random direction, in double precision.

    Args:
        function: What is right, a number for some arrays.
        arrays: Where to derive.
        gradients: What the submission has there.
        random: Draws the directions.
        groups: Indices of arrays that one direction moves together; each array by default.

    Returns:
        Indices of groups.
    """
    groups = [[i] for i in range(len(arrays))] if groups is None else groups
    places = [array.astype(float) for array in arrays]
    if len(gradients) != len(arrays):
        return set(range(len(groups)))
    return {
        number
        for number, group in enumerate(groups)
        if not _fits(function, places, gradients, random, group)
    }


def _fits(function, places, gradients, random, group) -> bool:
    directions = {i: random.normal(size=places[i].shape) for i in group}
    sum_ = size = 0.0
    for i, direction in directions.items():
        value = gradients[i]
        if value.kind != "array" or value.array.shape != direction.shape:
            return False
        if value.array.dtype.kind != "f" or not np.isfinite(value.array).all():
            return False
        products = value.array.astype(float) * direction
        sum_ += products.sum()
        size += abs(products).sum()

    def beside(step: float) -> float:
        return function([p + step * directions.get(i, 0.0) for i, p in enumerate(places)])

    expected = (beside(_STEP) - beside(-_STEP)) / (2 * _STEP)
    return bool(abs(sum_ - expected) <= _TOLERANCE * (size + abs(expected)))
