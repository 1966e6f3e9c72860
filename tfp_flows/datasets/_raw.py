"""What the readers of tables share: raw columns, how to read them, and their numbers."""

import contextlib
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tfp_flows.datasets._cells import is_ambiguous
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


class Reading(NamedTuple):
    """How the cells of a column of text that hold numbers are read.

    Attributes:
        sign: The decimal sign; None if no cell has one.
        unit: The unit that all cells have, or an empty text.
        numbers: Whether they are numbers; else they are left as text, since they are not of one
            unit, or may have either decimal sign.
    """

    sign: str | None
    unit: str
    numbers: bool = True


class RawTable(NamedTuple):
    """Columns as they stand in the file.

    Attributes:
        columns: Arrays ``[rows]`` of any dtype.
        names: Their names.
        named: Whether these are from the file.
        remarks: What was decided in reading that could have been meant otherwise.
        index: Which columns are the row labels of a data frame.
        repeated: For each name that several columns of the file have, the places of these; all
            but the first are called ``name.1``, ``name.2`` in ``names``.
        readings: How each column of text, as it stands in the file, was read; None for one that
            tells nothing.
        encoding: Of text, that of its letters; empty if all are of ASCII.
        first: How many rows of the file stand before the first one.
    """

    columns: Sequence[np.ndarray]
    names: tuple[str, ...]
    named: bool
    remarks: tuple[str, ...] = ()
    index: tuple[int, ...] = ()
    repeated: Mapping[str, tuple[int, ...]] = types.MappingProxyType({})
    readings: tuple[Reading | None, ...] = ()
    encoding: str = ""
    first: int = 0


class Options(NamedTuple):
    """How to read a file.

    Attributes:
        key: Which array or sheet.
        header: Whether there is a header.
        expected: Names that are looked for.
        mixed: Whether columns need not be numbers: then marks for missing values in columns of
            numbers are missing, and what keeps a column from being numbers is remarked.
    """

    key: str | None = None
    header: bool | None = None
    expected: tuple[str, ...] | None = None
    mixed: bool = False


def plain(series: "pd.Series") -> np.ndarray:
    """A pandas column as a NumPy array; nullable numbers become floats with NaN, times UTC."""
    import pandas as pd

    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if pd.api.types.is_bool_dtype(series.dtype) and series.hasnans:
        return series.to_numpy(dtype=object, na_value=np.nan)
    if not isinstance(series.dtype, np.dtype) and pd.api.types.is_numeric_dtype(series.dtype):
        if series.hasnans:
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        return series.to_numpy(dtype=series.dtype.numpy_dtype)
    return series.to_numpy()


def default_names(count: int) -> tuple[str, ...]:
    """Names for columns without one: x0, x1, ..."""
    return tuple(f"x{i}" for i in range(count))


def brief(error: Exception) -> str:
    """What an error says, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160].rstrip(".")


def numbers_of(path: Path, column: np.ndarray, name: str) -> np.ndarray:
    """Converts a column to float32 where that is exact, or else to float64.

    Raises:
        InputError: If it holds anything but real numbers.
    """
    if column.dtype.kind in "fiu":
        exact_in_float32 = np.result_type(column.dtype, np.float32) == np.float32
        return column.astype(np.float32 if exact_in_float32 else np.float64, copy=False)
    what = {"b": "true/false values", "c": "complex numbers", "M": "dates", "m": "durations"}
    if column.dtype.kind in what:
        raise InputError(
            f"Column {name!r} of {path} holds {what[column.dtype.kind]}; convert it to real "
            "numbers or leave it out with columns= (--columns)."
        )
    return _from_objects(path, column, name)


def _from_objects(path: Path, column: np.ndarray, name: str) -> np.ndarray:
    """Numbers kept as objects (Decimal, mixed integers); anything else is reported as text."""
    import pandas as pd

    cells = pd.Series(list(column), dtype=object)
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    boolean = np.array([isinstance(cell, bool | np.bool_) for cell in cells])
    bad = np.flatnonzero((np.isnan(numbers) & cells.notna().to_numpy()) | boolean)
    if bad.size:
        row = int(bad[0])
        if isinstance(cells[row], str) and is_ambiguous(cells[row]):
            raise InputError(
                f"Column {name!r} of {path} holds {cells[row]!r} in row {row + 1}, where the comma "
                "may be a decimal sign or one of thousands; write it with a decimal point."
            )
        raise InputError(
            f"Column {name!r} of {path} holds text or objects ({str(cells[row])[:40]!r} in row "
            f"{row + 1}); convert it to numbers or leave it out with columns= (--columns)."
        )
    return numbers


@contextlib.contextmanager
def counted_from(first: int) -> Iterator[None]:
    """Says from where a message counts rows that is about a block."""
    try:
        yield
    except InputError as error:
        if not first:
            raise
        raise InputError(f"From row {first + 1:,} on, counted from there: {error}") from error
