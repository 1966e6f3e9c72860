"""Location and spread of the columns of data, whatever their units, and what threatens them.

NumPy alone, so that the command can ask before TensorFlow is there. All functions take
``[n, ...]``; a column is one entry of a row.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tfp_flows.errors import InputError

_MOST_ROWS = 100_000
_QUANTILE_ROWS = 10_000
# Of these shares at both ends a column's bulk is free, if there are rows enough to tell.
_TAILS = (0.25, 0.05, 0.01)
_TAIL_ROWS = 3
_OUTLYING = 5.0
# Largest spacing of numbers, in standard deviations, at which a density still makes sense: where
# the numbers are rounded on the way to a flow, and where they come in its own precision.
_MAX_SPACING, _MAX_OWN_SPACING = 1e-3, 0.1


class Spread(NamedTuple):
    """Centre and scale of each column, in float64, and which of them hold a single value."""

    centre: np.ndarray
    scale: np.ndarray
    constant: np.ndarray


def spread(values, *, robust: bool = False) -> Spread:
    """Measures mean and standard deviation without squares that overflow or vanish.

    A column is constant if all its values are equal, or differ by no more than rounding does.

    Args:
        values: Finite numbers ``[n, ...]``.
        robust: Whether columns that a few rows rule (see `outlying`) give the centre and the
            scale of their bulk instead: the median, and the widest of the ranges between
            quantiles, as a normal distribution would have it.

    Returns:
        The spread, of shape ``[...]``; constant columns have scale 1.
    """
    values = np.asarray(values)
    source = values.dtype
    values = values.astype(np.float64)
    unit = _power_of_two(np.abs(values).max(axis=0))
    # Exact: nothing but the exponents changes.
    scaled = values / unit
    centre = scaled.mean(axis=0)
    offsets = scaled - centre
    own = _power_of_two(np.abs(offsets).max(axis=0))
    deviation = own * np.sqrt(np.square(offsets / own).mean(axis=0))
    eps = np.finfo(source if source.kind == "f" else np.float64).eps
    constant = (values == values[:1]).all(axis=0) | (deviation <= np.abs(centre) * eps)
    if robust:
        middle, bulk = _bulk(scaled)
        ruled = (deviation > _OUTLYING * bulk) & (bulk > 0)
        centre = np.where(ruled, middle, centre)
        deviation = np.where(ruled, bulk, deviation)
    return Spread(unit * centre, np.where(constant, 1.0, unit * deviation), constant)


def outlying(values) -> np.ndarray:
    """How many times the standard deviation of each column is that of its bulk, where it is many.

    The bulk has the deviation of a normal distribution with the same quantiles: 25, 5 or 1 % at
    both ends, whichever is widest. So heavy tails and sharp peaks are no outliers, but one row in
    a thousand that is far beyond the others is.

    Args:
        values: Finite numbers ``[n, ...]``.

    Returns:
        Ratios above 5, and 0 elsewhere.
    """
    plain, robust = spread(values), spread(values, robust=True)
    ratio = plain.scale / robust.scale
    return np.where(ratio > _OUTLYING, ratio, 0.0)


def two_valued(values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns that hold two values, as classes and masks do: the lower, the upper, and which.

    Columns of nothing but zeros or ones count as holding both.

    Args:
        values: Finite numbers ``[n, ...]``.

    Returns:
        Three arrays of shape ``[...]``.
    """
    values = np.asarray(values)
    low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
    two = ((values == low) | (values == high)).all(axis=0)
    classes = (low >= 0) & (high <= 1) & two & ((low == 0) | (low == 1)) & (high == np.rint(high))
    return np.where(classes, 0.0, low), np.where(classes, 1.0, high), classes | (two & (low < high))


def unresolved(values, dtype) -> tuple[tuple[int, ...], float, float] | None:
    """Finds a column whose spread gets lost in a precision.

    Args:
        values: Finite numbers ``[n, ...]``.
        dtype: A floating-point dtype of NumPy, or its name.

    Returns:
        Its index, its standard deviation and the spacing of numbers of its size; None if there
        is no such column.
    """
    values, dtype = np.asarray(values), np.dtype(dtype)
    values = values[:: math.ceil(len(values) / _MOST_ROWS)]
    varies = (values != values[:1]).any(axis=0)
    if not varies.any():
        return None
    columns = values[:, varies].astype(np.float64)
    largest = np.abs(columns).max(axis=0)
    info = np.finfo(dtype)
    with np.errstate(over="ignore"):
        gap = np.spacing(largest.astype(dtype)).astype(np.float64)
    # Denormal numbers count as zero on many processors.
    gap = np.where(largest > _largest(dtype), np.inf, np.maximum(gap, float(info.tiny)))
    own = _power_of_two(largest)
    deviation = own * (columns / own).std(axis=0)
    most = _MAX_OWN_SPACING if _holds(values.dtype, dtype) else _MAX_SPACING
    bad = np.flatnonzero(gap > most * deviation)
    if not bad.size:
        return None
    where = tuple(int(i) for i in np.argwhere(varies)[bad[0]])
    return where, float(deviation[bad[0]]), float(gap[bad[0]])


def check_precision(values, dtype, name: str) -> None:
    """Refuses data whose spread gets lost in the precision of a flow.

    Args:
        values: Finite numbers ``[n, ...]``, as they came.
        dtype: Of the flow: ``"float32"`` or ``"float64"``.
        name: What the data are, for the error.

    Raises:
        InputError: If the standard deviation of a column is less than 1,000 times the spacing of
            numbers of its size, or ten times where the data came in this precision.
    """
    found = unresolved(values, dtype)
    if found is None:
        return
    index, deviation, gap = found
    if not np.isfinite(gap):
        raise InputError(
            f"{name}: column {column_name(index)} holds values beyond {_largest(dtype):.2g}, which "
            f"{np.dtype(dtype).name} arithmetic cannot hold; rescale it."
        )
    precise = np.dtype(dtype) == np.float64 or _holds(np.asarray(values).dtype, np.dtype(dtype))
    way = "subtract an offset first, or rescale" if precise else "build the flow with "
    way += "" if precise else "dtype='float64', or subtract an offset first"
    raise InputError(
        f"{name}: column {column_name(index)} has a standard deviation of {deviation:.3g}, but "
        f"{np.dtype(dtype).name} numbers of its size lie {gap:.3g} apart; {way}."
    )


def column_name(index: tuple[int, ...]) -> str:
    """An index as a person writes it."""
    return str(index[0]) if len(index) == 1 else str(index)


def _largest(dtype) -> float:
    """The largest value whose differences can be told."""
    return float(np.finfo(dtype).max) / 8


def _holds(source: np.dtype, dtype: np.dtype) -> bool:
    """Whether a precision holds every number of a source."""
    if source.kind == "f":
        return source.itemsize <= dtype.itemsize
    return source.itemsize < dtype.itemsize


def _power_of_two(size: np.ndarray) -> np.ndarray:
    return np.where(size > 0, np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)


def _bulk(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and scale of the bulk; the scale is 0 where most values are the same."""
    some = values[:: math.ceil(len(values) / _QUANTILE_ROWS)]
    shares = [min(0.25, max(share, _TAIL_ROWS / len(some))) for share in _TAILS]
    ends = np.quantile(some, [0.5, *shares, *(1 - share for share in shares)], axis=0)
    count = len(shares)
    widths = np.array([2 * NormalDist().inv_cdf(1 - share) for share in shares])
    ranges = ends[1 + count :] - ends[1 : 1 + count]
    return ends[0], (ranges / widths.reshape([-1] + [1] * (values.ndim - 1))).max(axis=0)
