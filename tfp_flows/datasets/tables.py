"""Tables of numbers from files, checked before a model sees them, and written back."""

import dataclasses
import operator
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tfp_flows.datasets._readers import RawTable, default_names, read_raw
from tfp_flows.datasets._writers import WRITERS
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.files import atomic_path

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table of finite numbers.

    Attributes:
        values: ``[rows, columns]``; float32 where that holds the source exactly (float16,
            float32, 8- and 16-bit integers), float64 for everything else. Columns such as
            timestamps, 1.7e9 with a spread of 100, would lose their spread in float32:
            standardise first, then convert.
        columns: One name for each column; ``x0, x1, ...`` where the file has none.
        dropped: How many rows with NaN or infinite cells were left out.
        named: Whether the names came from the file.
        rows: ``[rows]``, the number in the file of each row, counted from 1; None if the table
            is not from a file.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    dropped: int = 0
    named: bool = True
    rows: np.ndarray | None = None


def load_table(
    path: str | os.PathLike[str],
    *,
    columns: str | int | Iterable[str | int] | None = None,
    drop_invalid: bool = False,
    key: str | None = None,
) -> Table:
    """Reads a ``.csv``, ``.npy``, ``.npz`` or ``.parquet`` file as a table of finite numbers.

    A CSV file may use commas, semicolons or tabs; its first row is a header if any cell in it is
    not a number. Rows in messages are data rows counted from 1. A 1-D array becomes one column.
    Integers beyond 2^53 are rounded to float64. Pickled objects are never read.

    Args:
        path: The file.
        columns: Which columns to keep, in which order, by name or by index from 0 (also as text,
            ``"2"``, unless a column has that name); all if None. Columns that are not chosen may
            hold anything.
        drop_invalid: Leave out rows with empty, NaN or infinite cells instead of refusing them.
        key: Which array of a ``.npz`` file to read; needed if it holds several.

    Returns:
        The table.

    Raises:
        InputError: the file is missing, a folder, empty, damaged or of an unknown kind; a chosen
            column is unknown, chosen twice, or not of real numbers; a cell is NaN or infinite and
            ``drop_invalid`` is false; a value is beyond the range of float32.
    """
    path = Path(path)
    raw = _select(path, read_raw(path, key=key), columns)
    return _checked_table(path, raw, drop_invalid)


def load_matching(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    *,
    named: bool = True,
    drop_invalid: bool = False,
    key: str | None = None,
) -> Table:
    """Reads from a file the columns that a model was fitted to, in the model's order.

    They are found by name, further columns are ignored. A file without names is taken as it is
    if it has as many columns as the model, and so is one with other names if the model's own
    names are only numbered.

    Args:
        path: The file; see `load_table`, also for ``drop_invalid`` and ``key``.
        columns: Names of the model's columns.
        named: Whether these names came from a file; otherwise they are ``x0, x1, ...``.
        drop_invalid: Leave out rows with empty, NaN or infinite cells instead of refusing them.
        key: Which array of a ``.npz`` file to read.

    Returns:
        The table, with the model's column names.

    Raises:
        InputError: as `load_table`; columns are missing, or another number of them.
    """
    path = Path(path)
    raw = read_raw(path, key=key)
    missing = [name for name in columns if name not in raw.names]
    same_width = len(raw.names) == len(columns)
    if not raw.named and same_width:
        chosen = raw
    elif not missing and (raw.named or not named):
        chosen = _select(path, raw, columns)
    elif same_width and not named:
        chosen = raw
    elif raw.named:
        raise InputError(
            f"{path} lacks the columns {', '.join(map(repr, missing))} that the model was fitted "
            f"to; it has {', '.join(map(repr, raw.names))}."
        )
    else:
        raise InputError(
            f"{path} has {len(raw.names)} columns without names, but the model was fitted to "
            f"{len(columns)} ({', '.join(columns)}); give these, in this order."
        )
    return _checked_table(path, RawTable(chosen.columns, tuple(columns), named), drop_invalid)


def _checked_table(path: Path, raw: RawTable, drop_invalid: bool) -> Table:
    if not raw.columns or not len(raw.columns[0]):
        raise InputError(f"{path} holds no values; give a file with rows of numbers.")
    numeric = [_numeric(path, c, name) for c, name in zip(raw.columns, raw.names, strict=True)]
    values = np.stack(numeric, axis=1)
    valid = np.isfinite(values)
    rows = valid.all(axis=1)
    if not rows.all():
        if not drop_invalid:
            raise InputError(_invalid_message(path, valid, raw.names))
        if not rows.any():
            raise InputError(
                f"Every row of {path} has empty, NaN or infinite cells; nothing is left."
            )
        values = values[rows]
    _check_float32_range(path, values, raw.names, rows)
    numbers = np.flatnonzero(rows) + 1
    return Table(values, raw.names, int(len(rows) - len(numbers)), raw.named, numbers)


def check_table(table: Table, *, min_rows: int | None = None) -> None:
    """Checks that a density can be fitted to a table.

    Args:
        table: The table.
        min_rows: The fewest rows to accept; by default 10, or one more than there are columns
            (fewer cannot even determine a covariance).

    Raises:
        InputError: too few rows, or a column that holds a single value.
    """
    rows, count = table.values.shape
    needed = max(10, count + 1) if min_rows is None else min_rows
    if rows < needed:
        raise InputError(
            f"The table has {rows} rows for {count} columns; give at least {needed} rows."
        )
    constant = np.flatnonzero(np.all(table.values == table.values[0], axis=0))
    if constant.size:
        index = int(constant[0])
        raise InputError(
            f"Column {table.columns[index]!r} holds the same value {table.values[0, index]:g} in "
            "every row, which has no density; leave that column out."
        )


def check_output(path: str | os.PathLike[str]) -> None:
    """Checks, before any work is done for it, that a table may be written to a path.

    Args:
        path: The file to write.

    Raises:
        InputError: an unknown suffix, or no such folder.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise InputError(
            f"Cannot write {path}: its suffix is {path.suffix.lower()!r}; use one of "
            f"{', '.join(WRITERS)}."
        )
    if not path.absolute().parent.is_dir():
        raise InputError(f"Cannot write {path}: the folder {path.parent} does not exist.")


def save_table(
    path: str | os.PathLike[str], values: np.ndarray, columns: Sequence[str] | None = None
) -> Path:
    """Writes a table as ``.csv``, ``.npy``, ``.npz`` or ``.parquet``: all of it or nothing.

    Reading the file back gives exactly the same floats. ``.npy`` keeps no column names.

    Args:
        path: The file to write or replace.
        values: Real numbers ``[rows, columns]``.
        columns: One name for each column; ``x0, x1, ...`` if None.

    Returns:
        The path.

    Raises:
        InputError: an unknown suffix, values or names of another shape, or a file that cannot be
            written; a file that was there before is then unchanged.
    """
    path = Path(path)
    values = np.asarray(values)
    check_output(path)
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise InputError(
            f"Cannot write {path}: the values are {values.dtype} of shape {values.shape}; "
            "give real numbers [rows, columns]."
        )
    count = values.shape[1]
    names = [str(name) for name in (default_names(count) if columns is None else columns)]
    if len(names) != count or len(set(names)) != count:
        raise InputError(
            f"Cannot write {path}: {count} columns need {count} different names, got {names}."
        )
    with atomic_path(path) as temporary:
        WRITERS[path.suffix.lower()](temporary, values, names)
    return path


def _select(path: Path, raw: RawTable, columns: str | int | Iterable[str | int] | None) -> RawTable:
    if columns is None:
        return raw
    wanted = [columns] if isinstance(columns, str | int) else list(columns)
    if not wanted:
        raise InputError("The list of columns is empty; name at least one.")
    chosen: list[int] = []
    for column in wanted:
        index = _column_index(path, raw.names, column)
        if index in chosen:
            raise InputError(f"Column {raw.names[index]!r} is chosen twice; name it once.")
        chosen.append(index)
    return RawTable(
        [raw.columns[i] for i in chosen], tuple(raw.names[i] for i in chosen), raw.named
    )


def _column_index(path: Path, names: tuple[str, ...], column: str | int) -> int:
    if isinstance(column, str) and column in names:
        return names.index(column)
    try:
        index = int(column) if isinstance(column, str) else operator.index(column)
    except (TypeError, ValueError):
        raise unknown_name("column", column, names) from None
    if not 0 <= index < len(names):
        raise InputError(
            f"{path} has no column {index}; it has {len(names)}, numbered 0 to {len(names) - 1}."
        )
    return index


def _numeric(path: Path, column: np.ndarray, name: str) -> np.ndarray:
    """The column as float32 or float64, or an InputError that says what it holds instead."""
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
        raise InputError(
            f"Column {name!r} of {path} holds text or objects ({str(cells[row])[:40]!r} in row "
            f"{row + 1}); convert it to numbers or leave it out with columns= (--columns)."
        )
    return numbers


def _invalid_message(path: Path, valid: np.ndarray, names: tuple[str, ...]) -> str:
    where = np.argwhere(~valid)
    first = ", ".join(f"row {row + 1} column {names[i]!r}" for row, i in where[:3])
    rows = int((~valid.all(axis=1)).sum())
    return (
        f"{path} has empty, NaN or infinite cells: {len(where)} in {rows} of {len(valid)} rows "
        f"(first: {first}); drop these rows with drop_invalid=True (--drop-invalid) or mend them."
    )


def _check_float32_range(
    path: Path, values: np.ndarray, names: tuple[str, ...], kept: np.ndarray
) -> None:
    beyond = np.argwhere(np.abs(values) > _FLOAT32_MAX)
    if len(beyond):
        row, index = beyond[0]
        raise InputError(
            f"Column {names[index]!r} of {path} holds {values[row, index]:g} in row "
            f"{np.flatnonzero(kept)[row] + 1}, beyond the range of float32 (3.4e38); rescale it."
        )
