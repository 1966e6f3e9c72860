"""Weights of rows: which are allowed, and rows that stand for all as they weigh."""

from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.columns import as_python


def checked_weights(
    values: Any, count: int, *, of: str = "weights=", rows: np.ndarray | None = None
) -> np.ndarray:
    """Weights ``[count]`` of rows, 1 on average.

    Args:
        values: Numbers from 0 on, one a row.
        count: Number of rows.
        of: What holds them, for messages.
        rows: ``[count]``, the numbers by which rows are named; from 1 on by default.

    Raises:
        InputError: If they are no numbers, not one a row, negative, missing, or all zero.
    """
    values = np.asarray(values)
    if values.shape != (count,):
        raise InputError(
            f"{of} has the shape {values.shape} for {count:,} rows; give one number for each row."
        )
    if values.dtype.kind not in "iufb":
        first = as_python(values[0])
        raise InputError(f"The weights in {of} are {first!r} and the like; give numbers.")
    values = values.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        row = bad[0] + 1 if rows is None else rows[bad[0]]
        raise InputError(
            f"The weight in {of} is {values[bad[0]]:g} in row {row}; give numbers from 0 on, and "
            "none missing."
        )
    if not values.any():
        raise InputError(f"All weights in {of} are 0; give some rows a weight.")
    return values / values.mean()


def refuse_weightless(weights: np.ndarray, part: str, of: str = "weights=") -> None:
    """Raises an `InputError` if all weights of a part of the rows are 0."""
    if not weights.any():
        raise InputError(
            f"The {len(weights):,} {part} rows, drawn at random, all have weight 0 in {of}; give "
            "more rows a weight, or leave out those without."
        )


def by_weight(weights: np.ndarray, seed: int) -> np.ndarray:
    """Places of rows that are independent draws of what the weights make of all.

    Each row is kept with the probability of its weight over the largest one. Repeated rows, as of
    draws with replacement, would look like copies, and like more rows than there are.

    Args:
        weights: ``[rows]``, not negative and not all 0.
        seed: Of the choice.

    Returns:
        ``[kept]``, in order.
    """
    chance = np.random.default_rng(seed).random(len(weights))
    return np.flatnonzero(chance < weights / weights.max())
