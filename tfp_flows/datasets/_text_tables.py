"""Tables of text: names, columns, decimal commas, and what had to be guessed."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._cells import decimal_signs, is_ambiguous, is_missing, is_number, value_of
from tfp_flows.datasets._header import Verdict, index_columns, judge
from tfp_flows.datasets._raw import Options, RawTable, brief, default_names, plain
from tfp_flows.datasets._text import Text, read_text
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def read_text_table(path: Path, options: Options) -> RawTable:
    """Reads a table of text.

    Raises:
        InputError: If it has no rows, or rows of different lengths.
        UnicodeError: If it is not text.
    """
    text = read_text(path)
    first, below = text.rows[0], text.rows[1:]
    names, remark = _names(path, text, options)
    body = text.below_header() if names == first else text.data
    columns, decimals = _parsed(path, body, text)
    if len(columns) != len(first):
        hint = ""
        if len(first) == 1 and all(map(is_number, map(",".join, below))):
            hint = ", or semicolons between cells with decimal commas"
        raise InputError(
            f"{path} has {len(first)} cells in its first row and {len(columns)} in the next; "
            f"give every row the same number of cells{hint}."
        )
    remarks = [remark, *decimals]
    if names is None:
        names = [""] * len(columns)
        return RawTable(columns, _filled(names), False, _without_blanks(remarks))
    if not names[-1] and len(names) > 1 and all(map(_is_empty, columns[-1])):
        remarks.append(f"The last column of {path.name}, empty and without a name, is left out.")
        names, columns = names[:-1], columns[:-1]
    index = index_columns(names, columns)
    return RawTable(columns, _filled(names), True, _without_blanks(remarks), tuple(index))


def _without_blanks(remarks: list[str]) -> tuple[str, ...]:
    return tuple(remark for remark in remarks if remark)


def _is_empty(cell: object) -> bool:
    return isinstance(cell, float) and np.isnan(cell)


def _filled(names: list[str]) -> tuple[str, ...]:
    """The names, with ``x0, x1, ...`` for those that are blank."""
    return tuple(
        given or name for given, name in zip(names, default_names(len(names)), strict=True)
    )


def _names(path: Path, text: Text, options: Options) -> tuple[list[str] | None, str]:
    """The names of the columns, None if the file has none, and a remark if that was a guess."""
    first, below = text.rows[0], text.rows[1:]
    comment = _names_in_comment(text)
    if options.header is not None:
        return (comment or first if options.header else None), ""
    shown = ", ".join(repr(cell) for cell in first[:4]) + (", ..." if len(first) > 4 else "")
    row = f"The first row of {path.name} ({shown})"
    verdict = judge(first, below, quoted=text.quoted)
    if options.expected is not None:
        if set(options.expected) <= set(first):
            return first, ""
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


def _names_in_comment(text: Text) -> list[str] | None:
    """The header that numpy.savetxt writes as a comment above rows of numbers."""
    first, comment = text.rows[0], text.comment
    numbers = all(is_number(cell) or is_missing(cell) for cell in first)
    if comment is None or len(comment) != len(first) or not numbers:
        return None
    of_text = not any(is_number(cell) or is_missing(cell) for cell in comment)
    return comment if of_text and len(set(comment)) == len(comment) else None


def _parsed(path: Path, body: bytes, text: Text) -> tuple[list[np.ndarray], list[str]]:
    """The columns, and remarks about decimal commas and separators of thousands."""
    frame = _frame(path, body, text)
    columns = [plain(frame[i]) for i in frame.columns]
    if not any(_may_be_numbers(column) for column in columns):
        return columns, []
    frame = _frame(path, body, text, dtype=str)
    cells = [[c.strip() for c in frame[i].dropna()] for i in frame.columns]
    used: dict[str, set[str]] = {}
    for i, sign in enumerate(decimal_signs(cells)):
        if sign is None or (sign == "." and columns[i].dtype.kind in "fiub"):
            continue
        columns[i] = np.array(
            [value_of(c.strip(), sign) if isinstance(c, str) else np.nan for c in frame[i]]
        )
        used.setdefault(sign, set()).update(cells[i])
    examples = {sign: min(found, key=_tells_least) for sign, found in used.items()}
    return columns, [
        f"Numbers in {path.name} are read with decimal {'commas' if sign == ',' else 'points'}: "
        f"{cell!r} is {value_of(cell, sign):.12g}."
        for sign, cell in examples.items()
    ]


def _tells_least(cell: str) -> tuple[bool, bool, str]:
    return not is_ambiguous(cell), cell.isdecimal(), cell


def _frame(path: Path, body: bytes, text: Text, **options) -> "pd.DataFrame":
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
        raise InputError(
            f"Cannot read {path}: {reason}; give every row the same number of cells."
        ) from None


def _may_be_numbers(column: np.ndarray) -> bool:
    """Whether a column of text begins like numbers that pandas does not know as such."""
    if column.dtype.kind not in "OUT":
        return False
    cells = [cell.strip() for cell in column[:1000] if isinstance(cell, str)]
    return bool(cells) and all(map(is_number, cells))
