"""Numbers of a grid: which are on one, but for rounding, and with how many decimals."""

import numpy as np

_MOST_DECIMALS = 12
# Of the spacing of floats: how far rounding moves a float32, a float64 and its number of steps, and
# how far a little arithmetic may.
_SINGLE, _DOUBLE, _COMPUTED = 0.5001, 1.5, 2.0
# Steps beyond which a number is not taken for another by arithmetic alone.
_FAR = 0.1


def nearly_whole(x: np.ndarray) -> np.ndarray:
    """Whether numbers ``[n]`` are whole ones but for the rounding of what made them."""
    room = np.minimum(1e-9 * np.maximum(1e3, np.abs(x)), 1e-2)
    return np.abs(x - np.round(x)) < room


def on_grid(x: np.ndarray, step: float, origin: float) -> np.ndarray:
    """Whether numbers ``[n]`` are ones of a grid but for rounding.

    Rounding is that of decimals computed in float64, and of float32 where a number is one of these,
    as those of files of float32 are.

    Args:
        x: Numbers.
        step: Distance of the grid.
        origin: A number of it.
    """
    steps = (x - origin) / step
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.abs(x)
        single = size.astype(np.float32)
        is_single = single == size
        spacing = np.where(is_single, np.spacing(single), np.spacing(size)) / step
        rounded = np.where(is_single, _SINGLE, _DOUBLE) * spacing
        off = np.abs(steps - np.round(steps))
        room = np.maximum(rounded, np.minimum(_COMPUTED * spacing, _FAR))
        return nearly_whole(steps) | (off <= room)


def decimals_of(x) -> int | None:
    """With how many decimals numbers are written; None if that takes more than float64 holds."""
    x = np.asarray(x, np.float64)
    for decimals in range(_MOST_DECIMALS + 1):
        scaled = x * 10.0**decimals
        # Not below the rounding of what was computed from decimals.
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-12 * np.abs(scaled)):
            return decimals
    return None
