"""Tables of text: names, columns, decimal commas, and what had to be guessed."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._amounts import as_numbers
from tfp_flows.datasets._cells import is_code, is_missing, is_number
from tfp_flows.datasets._header import Verdict, index_columns, judge, unique_names
from tfp_flows.datasets._raw import Options, RawTable, brief, default_names, plain
from tfp_flows.datasets._text import Text, read_text
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


_WIDE = 256
_CODE = re.compile(rb'(?:^|[,;\t|" ])0\d{3,}(?=[,;\t|" \r\n]|$)', re.MULTILINE)


def read_text_table(path: Path, options: Options) -> RawTable:
    """Reads a table of text.

    Raises:
        InputError: If it has no rows, or rows of different lengths.
        UnicodeError: If it is not text.
    """
    return table_of(path, read_text(path), options)


def table_of(path: Path, text: Text, options: Options, lines: int = 0) -> RawTable:
    """The table in a text; see `read_text_table`.

    Args:
        path: The file, for messages.
        text: The text.
        options: How to read it.
        lines: How many of its first lines messages do not count.
    """
    first, below = text.rows[0], text.rows[1:]
    names, remark = choose_names(path, text.rows, options, quoted=text.quoted, comment=text.comment)
    body = text.below_header() if names == first else text.data
    frame = _frame(path, body, text, lines)
    # To pop frees memory, but moves all that is left.
    take = frame.pop if frame.shape[1] < _WIDE else frame.__getitem__
    columns = [plain(take(i)) for i in list(frame)]
    if options.mixed and _CODE.search(body):
        places = [i for i, column in enumerate(columns) if column.dtype.kind in "iuf"]
        for i, cells in _written(path, body, text, places).items():
            if any(isinstance(cell, str) and is_code(cell.strip()) for cell in cells):
                columns[i] = cells
    if len(columns) != len(first):
        hint = ""
        if len(first) == 1 and all(map(is_number, map(",".join, below))):
            hint = ", or semicolons between cells with decimal commas"
        raise InputError(
            f"{path} has {len(first)} cells in its first row and {len(columns)} in the next; "
            f"give every row the same number of cells{hint}."
        )
    remarks = [*text.remarks, remark]
    named = names is not None
    names = [""] * len(columns) if names is None else names
    if named and not names[-1] and len(names) > 1 and all(map(_is_empty, columns[-1])):
        remarks.append(f"The last column of {path.name}, empty and without a name, is left out.")
        names, columns = names[:-1], columns[:-1]
    full = filled(names)
    columns, assumed, readings = as_numbers(
        path,
        full,
        columns,
        mixed=options.mixed,
        separator=text.separator,
        written=lambda places: _written(path, body, text, places),
    )
    index = index_columns(names, columns) if named else []
    remarks = (*filter(None, remarks), *assumed)
    about = {"readings": readings, "encoding": text.encoding}
    return RawTable(columns, full, named, remarks, tuple(index), **about)


def _is_empty(cell: object) -> bool:
    return isinstance(cell, float) and np.isnan(cell)


def filled(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with ``x0, x1, ...`` for those that are blank."""
    return tuple(
        given or name for given, name in zip(names, default_names(len(names)), strict=True)
    )


def choose_names(
    path: Path,
    rows: Sequence[Sequence[str]],
    options: Options,
    *,
    quoted: bool = False,
    comment: Sequence[str] | None = None,
) -> tuple[list[str] | None, str]:
    """Decides which names the columns of a file have.

    Args:
        path: The file.
        rows: The cells of its first rows.
        options: How to read it.
        quoted: Whether the first of them, and it alone, is in quotes.
        comment: Cells of the last comment above it.

    Returns:
        The names, or None if the file has none, and a remark if that was a guess.
    """
    first, below = list(rows[0]), rows[1:]
    comment = _names_in_comment(first, comment)
    if options.header is not None:
        return (comment or first if options.header else None), ""
    shown = ", ".join(repr(cell) for cell in first[:4]) + (", ..." if len(first) > 4 else "")
    row = f"The first row of {path.name} ({shown})"
    verdict = judge(first, below, quoted=quoted)
    if options.expected is not None:
        if set(options.expected) <= set(unique_names(first)):
            return first, ""
        if verdict.named and not below and not set(options.expected) & set(first):
            return None, ""
        if verdict.named and all(is_number(cell) or is_missing(cell) for cell in first):
            verdict = Verdict(False, "its numbers are not the names that are asked for")
    if not verdict.named and comment:
        return comment, f"The names of the columns of {path.name} are read from a comment."
    reason = verdict.reason and f", because {verdict.reason}"
    if verdict.named:
        way = "header=False (--no-header) reads it as data."
        return first, reason and f"{row} is taken as the names of the columns{reason}; {way}"
    way = "header=True (--header) reads it as names."
    return None, reason and f"{row} is taken as data{reason}; {way}"


def _names_in_comment(first: Sequence[str], comment: Sequence[str] | None) -> list[str] | None:
    """The header that numpy.savetxt writes as a comment above rows of numbers."""
    numbers = all(is_number(cell) or is_missing(cell) for cell in first)
    if comment is None or len(comment) != len(first) or not numbers:
        return None
    of_text = not any(is_number(cell) or is_missing(cell) for cell in comment)
    return list(comment) if of_text and len(set(comment)) == len(comment) else None


def _written(path: Path, body: bytes, text: Text, places: list[int]) -> dict[int, np.ndarray]:
    """Columns as they are written, which pandas has read as numbers."""
    frame = _frame(path, body, text, dtype=str, usecols=places)
    return {i: plain(frame[i]) for i in places}


def _frame(path: Path, body: bytes, text: Text, lines: int = 0, **options) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_csv(
            io.BytesIO(body),
            sep=text.separator,
            header=None,
            skipinitialspace=True,
            low_memory=False,
            float_precision="round_trip",
            encoding="utf-8",
            **options,
        )
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} has a header but no rows; give a file with rows.") from None
    except pd.errors.ParserError as error:
        reason = brief(error).rpartition("error: ")[2]
        reason = re.sub(r"(?<=in line )\d+", lambda found: str(int(found[0]) - lines), reason)
        raise InputError(
            f"Cannot read {path}: {reason}; give every row the same number of cells."
        ) from None
