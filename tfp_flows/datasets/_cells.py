"""What a cell of a text table is: a number, a missing value or text; decimal points and commas."""

import contextlib
import re
from collections.abc import Sequence

import numpy as np

MISSING = frozenset(
    cell
    for line in (
        ",NA,N/A,n/a,NaN,nan,-NaN,-nan,NULL,null,None,<NA>",
        "#N/A,#NA,#N/A N/A,1.#IND,-1.#IND,1.#QNAN,-1.#QNAN",
    )
    for cell in line.split(",")
)
"""Cells that pandas reads as missing."""

MARKS = frozenset(
    mark
    for line in (
        "? ?? - -- --- \u2013 \u2014 . .. ... * n.a. N.A. na k.A.",
        "missing Missing MISSING unknown Unknown #DIV/0! #VALUE! #REF! #NUM! #NAME?",
    )
    for mark in line.split()
)
"""Cells that people, and spreadsheets, write for missing values in columns of numbers."""

_SIGN, _SPACES = "[-+\u2212]?", "'\u2019 \u00a0\u202f"


def _grammar(point: str, group: str) -> re.Pattern:
    """Numbers with one decimal sign and, in groups of three, one separator of thousands; inf."""
    grouped = rf"[1-9]\d{{0,2}}(?P<s>[{group}{_SPACES}])\d{{3}}(?:(?P=s)\d{{3}})*"
    return re.compile(
        rf"{_SIGN}(?:(?:{grouped}|\d+)(?:[{point}]\d*)?|[{point}]\d+)(?:[eE][-+]?\d+)?"
        rf"|{_SIGN}(?i:inf|infinity)"
    )


_UNITS = r"US\$|[$€£¥₹]|USD|EUR|GBP|CHF|JPY"
_UNIT_BEFORE = re.compile(rf"({_SIGN})\s*({_UNITS})\s*({_SIGN}[\d.,].*)")
_UNIT_AFTER = re.compile(rf"({_SIGN}[\d.,].*?)\s*({_UNITS}|[%‰])")
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")

_GRAMMARS = {".": _grammar(".", ","), ",": _grammar(",", ".")}
_PLAINLY = {
    point: str.maketrans({**dict.fromkeys(group + _SPACES), point: ".", "\u2212": "-"})
    for point, group in (".,", ",.")
}


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or one of the usual words for a missing value."""
    return cell in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or a decimal comma."""
    return any(g.fullmatch(cell) for g in _GRAMMARS.values())


def is_plain(cell: str) -> bool:
    """Whether a cell is a number as programs write it."""
    return _PLAIN.fullmatch(cell) is not None


def unit_of(cell: str) -> tuple[str, str]:
    """The percent or currency sign of a cell and the cell without it; an empty text if none."""
    if before := _UNIT_BEFORE.fullmatch(cell):
        return before[2], before[1] + before[3]
    if after := _UNIT_AFTER.fullmatch(cell):
        return after[2], after[1]
    return "", cell


def is_numeric(cell: str) -> bool:
    """Whether a cell is a number, or one with a unit."""
    return is_number(cell) or is_number(unit_of(cell)[1])


def is_ambiguous(cell: str) -> bool:
    """Whether a cell is another number with a decimal comma than with a decimal point."""
    return ("," in cell or "." in cell) and all(g.fullmatch(cell) for g in _GRAMMARS.values())


def is_whole(cell: str) -> bool:
    """Whether a cell is an integer that is written as one."""
    return re.fullmatch(r"[-+]?\d+", cell) is not None


def is_code(cell: str) -> bool:
    """Whether a cell is a code of digits, such as a postal code, that begins with zero."""
    return cell[:1] == "0" and len(cell) > 3 and cell.isdecimal()


def value_of(cell: str, point: str = ".") -> float:
    """The number in a cell, under a decimal sign; NaN where there is none."""
    if cell in MISSING:
        return np.nan
    if not _GRAMMARS[point].fullmatch(cell):
        return np.nan
    return float(cell.translate(_PLAINLY[point]))


def numbers_in(cells: Sequence[str], point: str) -> np.ndarray:
    """Cells that all are numbers under a decimal sign, as int64 if whole or else as float64."""
    text = "\n".join(cells).translate(_PLAINLY[point])
    parts = text.split("\n") if cells else []
    if not any(sign in text for sign in ".eEnN"):
        with contextlib.suppress(OverflowError):
            return np.array([int(part) for part in parts], dtype=np.int64)
    return np.array([float(part) for part in parts])


def likely_value(cell: str) -> float:
    """The number in a cell under whichever decimal sign makes it one; NaN where none does."""
    value = value_of(cell)
    return value_of(cell, ",") if np.isnan(value) else value


def decimal_signs(columns: Sequence[Sequence[str]], separator: str = "") -> list[str | None]:
    """Finds the decimal sign of each column of a file.

    A cell such as ``1,500`` does not tell; it is read as the other cells of its column, or else
    as the other columns of the file, or else, where commas stand between cells, with a decimal
    point: who writes decimal commas takes another separator.

    Args:
        columns: The cells of each column that are not missing.
        separator: What stands between cells.

    Returns:
        For each column ``"."``, ``","``, or None if it is not of numbers or may be either.
    """
    found = [_possible(cells) for cells in columns]
    certain = {next(iter(signs)) for signs, telling in found if telling and len(signs) == 1}
    result: list[str | None] = []
    for (signs, telling), cells in zip(found, columns, strict=True):
        if len(signs) == 1:
            result.append(next(iter(signs)))
        elif not signs:
            result.append(None)
        elif not telling:
            result.append(".")
        elif len(certain) == 1:
            result.append(next(iter(certain)))
        else:
            points = "," not in certain and not any("," in cell for cell in cells)
            result.append("." if points or (separator == "," and not certain) else None)
    return result


def _possible(cells: Sequence[str]) -> tuple[set[str], bool]:
    """The decimal signs under which all cells are numbers, and whether any cell has one."""
    signs = {s for s, grammar in _GRAMMARS.items() if all(map(grammar.fullmatch, cells))}
    return signs, any("," in cell or "." in cell for cell in cells)
