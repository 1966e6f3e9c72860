"""Splitting rows into training, validation and test parts."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.datasets._checks import generator
from tfp_flows.errors import InputError


class Splits(NamedTuple):
    """Three parts of a table, each ``[rows, ...]``."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(
    values: np.ndarray,
    *,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    shuffle: bool = True,
) -> Splits:
    """Splits the rows of ``values``: every row goes to exactly one part.

    Validation and test parts have ``round(fraction * rows)`` rows, the rest is for training.

    Args:
        values: ``[rows, ...]``.
        fractions: Shares of training, validation and test rows, which add up to 1; a share of 0
            gives an empty part, except for training.
        seed: Seed of the shuffle.
        shuffle: Shuffle the rows first; if false the parts follow each other in the given order.

    Returns:
        The three parts, as copies.

    Raises:
        InputError: bad fractions, or so few rows that a part with a share would be empty.
    """
    shares = _checked_fractions(fractions)
    values = np.asarray(values)
    rows = len(values) if values.ndim else 0
    validation, test = (round(share * rows) for share in shares[1:])
    train = rows - validation - test
    if any(n < 1 for n, share in zip((train, validation, test), shares, strict=True) if share > 0):
        needed = math.ceil(1 / min(share for share in shares if share > 0))
        raise InputError(
            f"{rows} rows are too few to split by {shares}; give at least about {needed} rows."
        )
    order = generator(seed).permutation(rows) if shuffle else np.arange(rows)
    bounds = (train, train + validation)
    return Splits(*(values[part] for part in np.split(order, bounds)))


def _checked_fractions(fractions: Sequence[float]) -> tuple[float, ...]:
    try:
        shares = tuple(float(share) for share in fractions)
    except (TypeError, ValueError):
        shares = ()
    good = len(shares) == 3 and all(0 <= share <= 1 for share in shares) and shares[0] > 0
    if not good or abs(sum(shares) - 1) > 1e-6:
        raise InputError(
            f"The fractions are {fractions!r}; give three numbers from 0 to 1 that add up to 1, "
            "the first of them positive."
        )
    return shares
