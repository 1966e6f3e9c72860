"""Sheets of ``.xlsx`` files."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._amounts import as_numbers
from tfp_flows.datasets._header import index_columns
from tfp_flows.datasets._raw import Options, RawTable
from tfp_flows.datasets._text_tables import choose_names, filled
from tfp_flows.errors import InputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_AT = 200
_MOST_ROWS = 2**20


def read_sheet(path: Path, options: Options) -> RawTable:
    """Reads the sheet that ``options.key`` names, or else the first one that is not empty.

    Raises:
        InputError: If openpyxl is missing, the sheet unknown, or all are empty.
    """
    _check_openpyxl("Cannot read", path)
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if options.key is not None and options.key not in sheets:
            raise unknown_name("sheet", options.key, sheets)
        chosen = [*sheets] if options.key is None else [options.key]
        found = ((title, _rows(sheets[title])) for title in chosen)
        title, rows = next(((title, rows) for title, rows in found if rows), ("", []))
    finally:
        book.close()
    if not rows:
        raise InputError(f"{path} holds nothing but empty sheets; give a file with rows.")
    raw = _table(path, rows, options)
    if options.key is not None or len(sheets) == 1:
        return raw
    remark = (
        f"{path.name} has the sheets {', '.join(map(repr, sheets))}; {title!r} is read, key= "
        "(--key) would choose another."
    )
    return raw._replace(remarks=(remark, *raw.remarks))


def _rows(sheet) -> list[tuple]:
    """The cells of the rows that are not empty; of a lone column, of all between the ends."""
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    rows = list(sheet.iter_rows(values_only=True))
    counts = [sum(map(_is_given, row)) for row in rows]
    if max(counts, default=0) == 1:
        rows = rows[counts.index(1) : len(counts) - counts[::-1].index(1)]
    else:
        rows = [row for row, count in zip(rows, counts, strict=True) if count]
    width = max(map(len, rows), default=0)
    return [row + (None,) * (width - len(row)) for row in rows]


def _between_margins(rows: list[tuple]) -> list[tuple]:
    """The rows from the first column in use to the last."""
    used = [any(_is_given(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [row[used.index(True) : len(used) - used[::-1].index(True)] for row in rows]


def _is_given(cell: object) -> bool:
    return cell is not None and cell != ""


def _table(path: Path, rows: list[tuple], options: Options) -> RawTable:
    remarks = []
    title = _lines_of_title(rows) if options.header is None else 0
    if title:
        cell = next(filter(_is_given, rows[0]))
        remarks.append(
            f"The rows above the table of {path.name} that hold one cell ({str(cell)[:40]!r}) are "
            "left out."
        )
    rows = _between_margins(rows[title:])
    shown = [[_written(cell) for cell in row] for row in rows[:_LOOKED_AT]]
    names, remark = choose_names(path, shown, options)
    below = rows if names is None else rows[1:]
    if not below:
        raise InputError(f"{path} has a header but no rows; give a file with rows.")
    columns = [_column(cells) for cells in zip(*below, strict=True)]
    given = [""] * len(columns) if names is None else names
    full = filled(given)
    columns, assumed, readings = as_numbers(path, full, columns, mixed=options.mixed)
    index = [] if names is None else index_columns(given, columns)
    remarks = (*remarks, *filter(None, [remark]), *assumed)
    named = names is not None
    return RawTable(columns, full, named, remarks, tuple(index), readings=readings)


def _lines_of_title(rows: list[tuple]) -> int:
    """How many rows of one cell stand above a table of several columns."""
    above = itertools.takewhile(lambda row: sum(map(_is_given, row)) == 1, rows[:_LOOKED_AT])
    count = len(list(above))
    return count if len(rows[0]) > 1 and 0 < count < len(rows) - 1 else 0


def _written(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _column(cells: Sequence[object]) -> np.ndarray:
    """The cells as an array of their type: of numbers, booleans or times if all are, or objects."""
    import pandas as pd

    array = np.empty(len(cells), dtype=object)
    array[:] = [None if cell == "" else cell for cell in cells]
    return pd.Series(array, dtype=object).infer_objects().to_numpy()


def write_sheet(path: Path, frame: "pd.DataFrame") -> None:
    """Writes a frame as the one sheet of a file.

    Raises:
        InputError: If openpyxl is missing, or the frame does not go into a sheet.
    """
    _check_openpyxl("Cannot write", path)
    import openpyxl
    from openpyxl.utils.exceptions import IllegalCharacterError

    if len(frame) >= _MOST_ROWS:
        raise InputError(
            f"Cannot write {path}: a sheet has at most {_MOST_ROWS - 1} rows below its names, got "
            f"{len(frame)}; write a .parquet or .csv file."
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    try:
        columns = [_cells(sheet, frame.iloc[:, i]) for i in range(frame.shape[1])]
        sheet.append([_cell(sheet, name) for name in frame])
        for row in zip(*columns, strict=True):
            sheet.append(row)
        book.save(path)
    except IllegalCharacterError as error:
        raise InputError(
            f"Cannot write {path}: {str(error)[:60]!r} has characters that a sheet cannot hold; "
            "write a .parquet or .csv file."
        ) from None


def _cells(sheet, column: "pd.Series") -> list:
    """The cells of a column."""
    import pandas as pd

    if column.dtype.kind == "M":
        return [None if pd.isna(time) else time.to_pydatetime() for time in column]
    if column.dtype.kind == "b":
        return column.tolist()
    return [_cell(sheet, value) for value in column.tolist()]


def _cell(sheet, value: "str | float | None") -> object:
    from openpyxl.cell import WriteOnlyCell

    if value is None or value != value:
        return None
    if isinstance(value, str) or not np.isfinite(value):
        cell = WriteOnlyCell(sheet, value=str(value))
        cell.data_type = "s"  # also where it begins with =, which would make it a formula
        return cell
    # As it is written, because openpyxl would round it to 16 digits.
    cell = WriteOnlyCell(sheet, value=repr(value))
    cell.data_type = "n"
    return cell


def _check_openpyxl(doing: str, path: Path) -> None:
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise InputError(
            f"{doing} {path}: xlsx needs openpyxl; pip install 'tfp-flows[excel]'."
        ) from None
