"""Tables of mixed columns from files: numbers, text, booleans and times, with missing cells."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._choosing import expecting, matching_of, read_chosen
from tfp_flows.datasets._mixed import frame_of
from tfp_flows.datasets._raw import Options, RawTable
from tfp_flows.datasets._readers import read_raw
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """A table of mixed columns.

    Attributes:
        data: A ``pandas.DataFrame`` whose columns have distinct names and are of int64, float64
            (NaN where missing), bool, datetime64 (NaT where missing), or of objects: text, and
            None where missing. Infinite numbers are kept.
        named: Whether the names came from the file.
        remarks: What was decided in reading and could have been meant otherwise, a sentence each.
        rows: ``[rows]``, the number in the file of each row, counted from 1.
        ignored: Names in the file of columns that were not asked for.
    """

    data: "pd.DataFrame"
    named: bool
    remarks: tuple[str, ...]
    rows: np.ndarray
    ignored: tuple[str, ...] = ()


def load_frame(
    path: str | os.PathLike[str],
    *,
    columns: str | int | Iterable[str | int] | None = None,
    key: str | None = None,
    header: bool | None = None,
) -> Frame:
    """Reads a file whose columns may hold numbers, text, booleans or times, and missing cells.

    It reads what `load_table` reads. A column is one of numbers if all of its given cells are,
    and of int64 if all cells are given and written as whole numbers. Empty cells, the usual words
    (NA, NaN, null) and, in columns of numbers, marks such as ``?``, ``-`` and ``missing`` are
    missing. Dates and times stay text unless the file has types (``.parquet``, ``.feather``,
    ``.xlsx``); durations are seconds. `Frame.remarks` says what was assumed.

    Args:
        path: The file.
        columns: Which columns to keep, in which order, by name or by index from 0; all if None,
            but for the labels of rows at the front of a data frame.
        key: Which array of a ``.npz`` file, or which sheet of a ``.xlsx`` file, to read.
        header: Whether the first row is a header; see `load_table`.

    Returns:
        The frame.

    Raises:
        InputError: the file is missing, a folder, empty, damaged or of an unknown kind; a chosen
            column is unknown, chosen twice, or one of several with its name; a column holds
            complex numbers or nested values.
    """
    path = Path(path)
    return _frame(path, read_chosen(path, Options(key, header, mixed=True), columns))


def load_matching_frame(
    path: str | os.PathLike[str],
    names: Sequence[str],
    *,
    named: bool = True,
    key: str | None = None,
    header: bool | None = None,
    optional: Iterable[str] = (),
    beside: Iterable[str] = (),
) -> Frame:
    """Reads from a file the columns that a model was fitted to, in the model's order.

    They are found by name, further columns are ignored. A file without names is taken as it is
    if it has as many columns as the model, and so is one with other names if the model's own
    names are only numbered.

    Args:
        path: The file; see `load_frame`, also for ``key`` and ``header``.
        names: The model's columns.
        named: Whether these names came from a file; otherwise they are ``x0, x1, ...``.
        key: Which array of a ``.npz`` file, or which sheet of a ``.xlsx`` file, to read.
        header: Whether the first row is a header; by default also if it holds the model's names.
        optional: Those of ``names`` that may lack in the file, and then lack in the frame; a file
            without names has all of them or none.
        beside: Names of further columns, which follow where a file with names has them.

    Returns:
        The frame, with the model's column names, and the names of what was ignored.

    Raises:
        InputError: as `load_frame`; columns are missing, or another number of them.
    """
    path, options = Path(path), Options(key, header, mixed=True)
    raw = read_raw(path, expecting(options, names, named=named, optional=optional))
    own = [name for i, name in enumerate(raw.names) if raw.named and i not in raw.index]
    more = [name for name in beside if name in own]
    names, optional = [*names, *more], [*optional, *more]
    found = matching_of(path, raw, names, named=named, optional=optional)
    ignored = tuple(name for name in own if name not in found.names)
    return dataclasses.replace(_frame(path, found), ignored=ignored)


def _frame(path: Path, raw: RawTable) -> Frame:
    if not raw.columns or not len(raw.columns[0]):
        raise InputError(f"{path} holds no values; give a file with rows.")
    rows = np.arange(1, len(raw.columns[0]) + 1)
    return Frame(frame_of(path, raw.names, raw.columns), raw.named, raw.remarks, rows)
