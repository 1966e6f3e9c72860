"""Argument checks shared by the data sets."""

import operator

import numpy as np

from tfp_flows.errors import InputError


def checked_count(num_samples: int) -> int:
    """Returns ``num_samples`` as an int, or raises InputError unless it is at least 1."""
    try:
        count = operator.index(num_samples)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError(f"num_samples is {num_samples!r}; give a whole number of at least 1.")
    return count


def generator(seed: int) -> np.random.Generator:
    """Returns NumPy's generator for ``seed``, or raises InputError for a bad seed."""
    try:
        return np.random.default_rng(operator.index(seed))
    except (TypeError, ValueError):
        raise InputError(f"The seed is {seed!r}; give a whole number of at least 0.") from None


def checked_scale(name: str, value: float, *, zero_allowed: bool = True) -> float:
    """Returns a noise scale as a float, or raises InputError unless finite and not negative."""
    try:
        scale = float(value)
    except (TypeError, ValueError):
        scale = float("nan")
    if not np.isfinite(scale) or scale < 0 or (scale == 0 and not zero_allowed):
        bound = "not negative" if zero_allowed else "positive"
        raise InputError(f"{name} is {value!r}; give a finite number that is {bound}.")
    return scale
