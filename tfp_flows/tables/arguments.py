"""Arguments of the types of a schema: whether each is of its kind."""

import math
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.columns import as_python

_BOUNDS = ("low", "high")
_NUMBERS = (*_BOUNDS, "step", "origin", "period")
_ABOVE = ("step", "period")


def checked_argument(column: str, key: str, value: Any) -> Any:
    """The value of an argument as plain Python.

    Args:
        column: Name of the column.
        key: Name of the argument, as schema files have it.
        value: Its value.

    Raises:
        InputError: If it is none of the argument's kind.
    """
    value = value.tolist() if isinstance(value, np.ndarray) else as_python(value)
    if isinstance(value, list | tuple):
        value = [as_python(v) for v in value]
    wanted = None
    if key in _NUMBERS:
        good = _is_number(value) and (math.isfinite(value) or key in _BOUNDS)
        good = good and (value > 0 or key not in _ABOVE)
        wanted = None if good else f"a number{' above 0' if key in _ABOVE else ''}"
    elif key == "atoms":
        good = isinstance(value, list) and all(_is_number(v) and math.isfinite(v) for v in value)
        wanted = None if good else "a list of numbers, as [0.0]"
    elif key == "values":
        good = isinstance(value, list) and all(_is_cell(v) for v in value)
        wanted = None if good else 'a list of texts, numbers or truth values, as ["a", "b"]'
    elif key == "value":
        wanted = None if _is_cell(value) else "a text, a number or a truth value"
    elif key == "form":
        wanted = None if _is_form(value) else 'a format of strftime, as "%d.%m.%Y"'
    if wanted is not None:
        raise InputError(f"Column {column!r} of the schema has the {key} {value!r}; give {wanted}.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _is_cell(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and value == value


def _is_form(value: Any) -> bool:
    from tfp_flows.tables.moments import seconds

    if not isinstance(value, str) or "%" not in value:
        return False
    try:
        seconds(["0"], value)
    except ValueError:
        return False
    return True
