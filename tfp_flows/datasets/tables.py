"""Tables of numbers from files, checked before a model sees them."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tfp_flows.datasets._choosing import read_chosen, read_matching
from tfp_flows.datasets._raw import Options, RawTable, counted_from, numbers_of
from tfp_flows.errors import InputError

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
        remarks: What was decided in reading and could have been meant otherwise, a sentence each:
            a header or none, decimal commas, columns that were left out.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    dropped: int = 0
    named: bool = True
    rows: np.ndarray | None = None
    remarks: tuple[str, ...] = ()


def load_table(
    path: str | os.PathLike[str],
    *,
    columns: str | int | Iterable[str | int] | None = None,
    drop_invalid: bool = False,
    key: str | None = None,
    header: bool | None = None,
) -> Table:
    """Reads a file as a table of finite numbers.

    It is of text, ``.npy``, ``.npz``, ``.parquet``, ``.feather`` or ``.xlsx``. Text is ``.csv``,
    ``.tsv`` or ``.txt``, also packed (``.csv.gz``, ``.bz2``, ``.xz``, ``.zip``), in UTF-8, in
    UTF-16 or UTF-32 with a byte order mark, or else in Windows-1252. Commas, semicolons, tabs,
    bars or blanks stand between cells, whichever cut the first rows into equally many, and most
    of them numbers. Lines that begin with ``#`` are comments; the last one above the rows gives
    the names if there are as many in it as columns (``numpy.savetxt``). Cells may have decimal
    commas (``1,5``) and separators of thousands (``1,234.5``), where a column or the others of
    the file tell which is which, and a percent or currency sign that is the same in a column.
    Rows in messages are data rows counted from 1. A 1-D array becomes one column, several of one
    length in a ``.npz`` file are the columns. Integers beyond 2^53 are rounded to float64.
    Pickled objects are never read.

    A column at the front that has no name and holds the row numbers or labels of a data frame is
    left out, unless ``columns`` chooses it.

    Args:
        path: The file.
        columns: Which columns to keep, in which order, by name or by index from 0 (also as text,
            ``"2"``, unless a column has that name); all if None. Columns that are not chosen may
            hold anything.
        drop_invalid: Leave out rows with empty, NaN or infinite cells instead of refusing them.
        key: Which array of a ``.npz`` file to read, needed if it holds several and they are not
            its columns; or which sheet of a ``.xlsx`` file, else the first that is not empty.
        header: Whether the first row of a text file is a header; by default it is one if it has
            text above a column of numbers, or numbers that count up (as pandas names columns) or
            years, above rows that are not like them. `Table.remarks` says so where such a rule
            decides.

    Returns:
        The table.

    Raises:
        InputError: the file is missing, a folder, empty, damaged or of an unknown kind; a chosen
            column is unknown, chosen twice, or not of real numbers; a cell is NaN or infinite and
            ``drop_invalid`` is false; a value is beyond the range of float32.
    """
    path = Path(path)
    raw = read_chosen(path, Options(key, header), columns)
    table = checked_table(path, raw, drop_invalid)
    return dataclasses.replace(table, remarks=(*table.remarks, *_remarks_on_counters(table)))


def load_matching(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    *,
    named: bool = True,
    drop_invalid: bool = False,
    key: str | None = None,
    header: bool | None = None,
) -> Table:
    """Reads from a file the columns that a model was fitted to, in the model's order.

    They are found by name, further columns are ignored. A file without names is taken as it is
    if it has as many columns as the model, and so is one with other names if the model's own
    names are only numbered.

    Args:
        path: The file; see `load_table`, also for ``drop_invalid``, ``key`` and ``header``.
        columns: Names of the model's columns.
        named: Whether these names came from a file; otherwise they are ``x0, x1, ...``.
        drop_invalid: Leave out rows with empty, NaN or infinite cells instead of refusing them.
        key: Which array of a ``.npz`` file, or which sheet of a ``.xlsx`` file, to read.
        header: Whether the first row of a text file is a header; by default also if it holds the
            model's names.

    Returns:
        The table, with the model's column names.

    Raises:
        InputError: as `load_table`; columns are missing, or another number of them.
    """
    path = Path(path)
    raw = read_matching(path, Options(key, header), columns, named=named)
    return checked_table(path, raw, drop_invalid)


def _remarks_on_counters(table: Table) -> list[str]:
    """Names the columns that only count the rows, which have nothing to be learned."""
    if len(table.values) < 3:
        return []
    return [
        f"Column {name!r} counts the rows ({column[0]:.12g} to {column[-1]:.12g}); leave it out "
        "with columns= (--columns) unless it is meant."
        for name, column in zip(table.columns, table.values.T, strict=True)
        if column[0] == np.round(column[0])
        and np.array_equal(column, column[0] + table.rows - table.rows[0])
    ]


def checked_table(path: Path, raw: RawTable, drop_invalid: bool, *, block: bool = False) -> Table:
    """The numbers of a table that is read; see `load_table`.

    Args:
        path: The file, for messages.
        raw: The table.
        drop_invalid: Whether rows that are not finite are left out.
        block: Whether it is a part of a table, of which nothing may be left.
    """
    if not raw.columns or not (block or len(raw.columns[0])):
        raise InputError(f"{path} holds no values; give a file with rows of numbers.")
    with counted_from(raw.first):
        return _checked(path, raw, drop_invalid, block)


def _checked(path: Path, raw: RawTable, drop_invalid: bool, block: bool) -> Table:
    numeric = [numbers_of(path, c, name) for c, name in zip(raw.columns, raw.names, strict=True)]
    values = np.stack(numeric, axis=1)
    valid = np.isfinite(values)
    rows = valid.all(axis=1)
    if not rows.all():
        if not drop_invalid:
            raise InputError(_invalid_message(path, valid, raw.names))
        if not rows.any() and not block:
            raise InputError(
                f"Every row of {path} has empty, NaN or infinite cells; nothing is left."
            )
        values = values[rows]
    _check_float32_range(path, values, raw.names, rows)
    numbers = np.flatnonzero(rows) + 1
    dropped = int(len(rows) - len(numbers))
    return Table(values, raw.names, dropped, raw.named, numbers, raw.remarks)


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
