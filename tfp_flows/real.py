"""Arrays of real numbers, from whatever a person has; nothing is dropped on the way."""

import decimal
import numbers

import numpy as np

from tfp_flows.errors import InputError

_KINDS = {
    "c": "complex numbers; give real and imaginary part as columns of their own",
    "U": "text; convert it to numbers",
    "S": "text; convert it to numbers",
    "M": "dates; convert them to numbers, seconds since the first one for instance",
    "m": "durations; convert them to numbers, with a unit of your choice",
    "V": "records; give the columns as one plain array",
}
_BOOLEANS = "true/false values, which have no density; leave them out, or give them as context"


def real_array(values, name: str, *, booleans: bool = False) -> np.ndarray:
    """Converts to an array of real numbers of the values' own precision.

    Args:
        values: An array, tensor, pandas frame or nested list.
        name: What it is, for errors.
        booleans: Whether true and false count as 1 and 0.

    Returns:
        An array of integers or floating-point numbers.

    Raises:
        InputError: If it holds anything else (complex numbers, text, dates, missing or masked
            values), or rows of different lengths.
    """
    if np.ma.isMaskedArray(values):
        masked = int(np.ma.count_masked(values))
        if masked:
            raise _refused(name, f"{masked} masked values; drop or fill those rows")
        values = values.data
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    kind = array.dtype.kind
    if kind == "O":
        return _from_objects(array, name, booleans)
    if kind == "b":
        if not booleans:
            raise _refused(name, _BOOLEANS)
        return array.astype(np.float32)
    if kind in "iuf":
        return array
    raise _refused(name, _KINDS[kind])


def _from_objects(array: np.ndarray, name: str, booleans: bool) -> np.ndarray:
    for place, item in np.ndenumerate(array):
        if isinstance(item, bool | np.bool_):
            if not booleans:
                raise _refused(name, _BOOLEANS)
        elif not isinstance(item, numbers.Real | decimal.Decimal):
            found = f"{type(item).__name__} objects ({str(item)[:40]!r}"
            found += f" at index {tuple(int(i) for i in place)})" if place else ")"
            raise _refused(name, f"{found}; give rows of one length, of real numbers")
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise InputError(f"{name} must be an array of numbers: {error}") from error


def _refused(name: str, what: str) -> InputError:
    return InputError(f"{name} must be an array of numbers, but holds {what}.")
