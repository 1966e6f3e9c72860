"""Raw columns as those of a frame: numbers, booleans, times, or text."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._raw import plain
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = np.iinfo(np.int64)
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
_TIMES = ("date", "datetime", "datetime64")


def frame_of(path: Path, names: Sequence[str], columns: Sequence[np.ndarray]) -> "pd.DataFrame":
    """The columns as a data frame; see `load_frame` for their types.

    Raises:
        InputError: If a column holds complex numbers or nested values.
    """
    import pandas as pd

    pairs = zip(names, columns, strict=True)
    mixed = [_mixed(path, name, column) for name, column in pairs]
    # The dtype is given because pandas would make its own of a column of text.
    series = [pd.Series(column, dtype=column.dtype, copy=False) for column in mixed]
    return pd.concat(series, axis=1, keys=list(names))


def _mixed(path: Path, name: str, column: np.ndarray) -> np.ndarray:
    """A column as int64, float64, bool, datetime64, or as objects: text, and None where missing."""
    kind = column.dtype.kind
    if kind in "bM":
        return column
    if kind == "f" or (kind == "u" and column.size and column.max() > _WHOLE.max):
        return column.astype(np.float64, copy=False)
    if kind in "iu":
        return column.astype(np.int64, copy=False)
    if kind == "m":
        return column / np.timedelta64(1, "s")
    if kind in "OUT":
        return _of_objects(path, name, column.astype(object, copy=False))
    what = "complex numbers" if kind == "c" else f"values of the type {column.dtype}"
    raise InputError(
        f"Column {name!r} of {path} holds {what}; write them as numbers or text, or leave it out "
        "with columns= (--columns)."
    )


def _of_objects(path: Path, name: str, column: np.ndarray) -> np.ndarray:
    import pandas as pd

    missing = np.asarray(pd.isna(column)) | (column == "")
    if missing.all():
        return np.full(len(column), np.nan)
    given = column[~missing]
    kind = pd.api.types.infer_dtype(given, skipna=False)
    if kind == "boolean" and not missing.any():
        return given.astype(bool)
    if kind in _NUMBERS:
        return _of_numbers(given, missing)
    if kind in _TIMES:
        # Text if they are beyond what pandas holds, or only some have a zone.
        with contextlib.suppress(ValueError, TypeError):
            return plain(pd.to_datetime(pd.Series(np.where(missing, None, column), dtype=object)))
    if kind != "string":
        given = np.array([_text(path, name, cell) for cell in given], dtype=object)
    result = np.full(len(column), None, dtype=object)
    result[~missing] = given
    return result


def _of_numbers(given: np.ndarray, missing: np.ndarray) -> np.ndarray:
    whole = all(isinstance(cell, int | np.integer) for cell in given)
    if whole and not missing.any() and _WHOLE.min <= min(given) and max(given) <= _WHOLE.max:
        return given.astype(np.int64)
    result = np.full(len(missing), np.nan)
    result[~missing] = given.astype(np.float64)
    return result


def _text(path: Path, name: str, cell: object) -> str:
    if isinstance(cell, bytes):
        return cell.decode(errors="replace")
    if np.ndim(cell) or isinstance(cell, dict | set):
        raise InputError(
            f"Column {name!r} of {path} holds nested values ({str(cell)[:40]!r}); write one value "
            "to a cell, or leave it out with columns= (--columns)."
        )
    return str(cell)
