"""Comparing what came back with what should have."""

from collections.abc import Iterable, Iterator

import numpy as np

from tfp_flows.grading.replies import Value
from tfp_flows.grading.trial import Finding

# Single precision through some layers; wrong formulas differ by far more.
_RELATIVE, _ABSOLUTE = 2e-3, 2e-4


def close(
    actual: np.ndarray,
    expected: np.ndarray,
    *,
    relative: float = _RELATIVE,
    absolute: float = _ABSOLUTE,
) -> bool:
    """Whether two arrays have the same shape and, within rounding, the same numbers."""
    if actual.shape != expected.shape or actual.dtype.kind not in "biuf":
        return False
    with np.errstate(all="ignore"):
        return bool(np.allclose(actual.astype(float), expected, rtol=relative, atol=absolute))


def not_an_array(value: Value, what: str) -> Finding | None:
    """The finding about a value that is no array, or holds no finite numbers."""
    if value.kind == "none":
        return Finding("nothing", f"{what} returns nothing: is there a return statement?")
    if value.kind != "array" or value.array.dtype.kind not in "biuf":
        return Finding("type", f"{what} returns {value.words}, not a tensor of numbers.")
    if not np.isfinite(value.array.astype(float)).all():
        return Finding("values", f"{what} returns numbers that are NaN or infinite.")
    return None


def wrong_dtype(value: Value, what: str) -> Iterator[Finding]:
    """The finding about numbers that are not float32."""
    if value.dtype != "float32":
        yield Finding("dtype", f"{what} returns numbers of type {value.dtype}, not float32.")


def changed_inputs(before: Iterable[np.ndarray], after: Iterable[Value]) -> Iterator[Finding]:
    """The finding about inputs that are not what they were before the call."""
    for given, now in zip(before, after, strict=False):
        if now.kind != "array" or not np.array_equal(given, now.array):
            yield Finding("changes_input", "The function changes its input.")
            return
