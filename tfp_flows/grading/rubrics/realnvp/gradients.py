"""Gradients that a submission's code has, against differences of what is right.

TensorFlow cuts them without a word: at `tf.stop_gradient`, NumPy, and casts to whole numbers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.trial import Finding

KIND = "gradient"
# Of the sum of all that a direction adds: single precision, and corners of relu.
_TOLERANCE = 5e-3
_CUTTERS = "tf.stop_gradient, NumPy and casts to whole numbers cut them"
# Of the largest sum: where gradients cancel, rounding is all that is left of them.
_NOISE = 1e-4
_STEP = 1e-7  # small, because a corner of relu within it counts as an error
# Along a single one what a cut takes away may nearly cancel: one grade of fifty missed it.
_DIRECTIONS = 2


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

    Each is compared with central differences along random directions, in double precision.

    Args:
        function: What is right, a number for some arrays.
        arrays: Where to derive.
        gradients: What the submission has there.
        random: Draws the directions.
        groups: Indices of arrays that a direction moves together; each array by default.

    Returns:
        Indices of groups.
    """
    groups = [[i] for i in range(len(arrays))] if groups is None else groups
    if len(gradients) != len(arrays):
        return set(range(len(groups)))
    places = [array.astype(float) for array in arrays]
    lost = set()
    for _ in range(_DIRECTIONS):
        pairs = [_along(function, places, gradients, random, group) for group in groups]
        most = max((pair.size for pair in pairs if pair is not None), default=0.0)
        lost |= {i for i, pair in enumerate(pairs) if pair is None or not pair.fits(most)}
    return lost


class _Pair(NamedTuple):
    """A derivative along a direction, as found and as due; ``size`` is the sum without signs."""

    found: float
    due: float
    size: float

    def fits(self, most: float) -> bool:
        """Whether both are the same within rounding; ``most`` is the largest size beside it."""
        bound = _TOLERANCE * (self.size + abs(self.due)) + _NOISE * most
        return bool(abs(self.found - self.due) <= bound)


def _along(function, places, gradients, random, group) -> _Pair | None:
    directions = {i: random.normal(size=places[i].shape) for i in group}
    found = size = 0.0
    for i, direction in directions.items():
        value = gradients[i]
        if value.kind != "array" or value.array.shape != direction.shape:
            return None
        if value.array.dtype.kind != "f" or not np.isfinite(value.array).all():
            return None
        products = value.array.astype(float) * direction
        found += products.sum()
        size += abs(products).sum()

    def beside(step: float) -> float:
        return function([p + step * directions.get(i, 0.0) for i, p in enumerate(places)])

    return _Pair(found, (beside(_STEP) - beside(-_STEP)) / (2 * _STEP), size)
