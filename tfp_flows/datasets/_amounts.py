"""Columns of text that hold numbers: decimal signs, thousands, units, marks for missing cells."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tfp_flows.datasets._cells import (
    MARKS,
    MISSING,
    decimal_signs,
    is_ambiguous,
    is_code,
    is_numeric,
    is_plain,
    numbers_in,
    unit_of,
    value_of,
)
from tfp_flows.datasets._raw import Reading

_LOOKED_AT = 1000


def as_numbers(
    path: Path,
    names: Sequence[str],
    columns: Sequence[np.ndarray],
    *,
    mixed: bool,
    separator: str = "",
    written: Callable[[list[int]], Mapping[int, np.ndarray]] = lambda _: {},
) -> tuple[list[np.ndarray], tuple[str, ...], tuple[Reading | None, ...]]:
    """Reads as numbers the columns of text all of whose cells are numbers.

    Args:
        path: The file, for remarks.
        names: Names of the columns.
        columns: The columns; objects that are no text are left as they are.
        mixed: Whether marks for missing cells are known, and columns that are numbers but for a
            few cells remarked.
        separator: What stands between the cells of a file of text.
        written: Gives for columns of floats their cells as they were written, which may tell the
            decimal sign of the others.

    Returns:
        The columns, remarks on what was assumed, and how each column was read.
    """
    found = {i: _Cells(c, mixed) for i, c in enumerate(columns) if _may_be_numbers(c, mixed)}
    if any("," in text for cells in found.values() for text in cells.bare):
        floats = [i for i, c in enumerate(columns) if c.dtype.kind == "f" and not np.isnan(c).all()]
        as_written = written(floats) if floats else {}
        found |= {i: _Cells(column, False) for i, column in as_written.items()}
    order = sorted(found)
    signs = decimal_signs([found[i].bare for i in order], separator)
    result, remarks = list(columns), []
    readings = list(map(_of_floats, columns))
    shown: dict[str, list[str]] = {}
    for i, sign in zip(order, signs, strict=True):
        cells, where = found[i], f"Column {names[i]!r} of {path.name}"
        if cells.count == 0:
            continue
        if sign is None or cells.others or (mixed and cells.codes):
            remarks += [f"{where} {why}." for why in cells.why_text()] if mixed else []
            readings[i] = cells.reading(sign)
        elif sign == "," or columns[i].dtype.kind != "f":
            result[i], readings[i] = cells.numbers(sign), cells.reading(sign)
            remarks += [f"{where} {what}." for what in cells.assumed(sign)]
            if not cells.unit:
                shown.setdefault(sign, []).extend(cells.telling(sign))
    decimals = [
        f"Numbers in {path.name} are read with decimal {'commas' if sign == ',' else 'points'}: "
        f"{cell!r} is {value_of(cell, sign):.12g}."
        for sign, cells in shown.items()
        for cell in sorted(cells, key=_tells_least)[:1]
    ]
    return result, (*decimals, *remarks), tuple(readings)


def _of_floats(column: np.ndarray) -> Reading | None:
    """How a column was read that came as numbers; None if it did not, or is empty."""
    if column.dtype.kind in "iu":
        return Reading(None, "") if len(column) else None
    given = column[np.isfinite(column)] if column.dtype.kind == "f" else column[:0]
    if not len(given):
        return None
    # Whole ones come as floats beside missing cells.
    pointed = len(given) == len(column) or bool((given != np.floor(given)).any())
    return Reading("." if pointed else None, "")


def _tells_least(cell: str) -> tuple[bool, bool, str]:
    return not is_ambiguous(cell), cell.isdecimal(), cell


def _may_be_numbers(column: np.ndarray, mixed: bool) -> bool:
    """Whether half of the first cells of a column are numbers that are not known as such."""
    import pandas as pd

    if column.dtype.kind not in "OUT":
        return False
    first = [cell for cell in column[:_LOOKED_AT] if not pd.isna(cell)]
    texts = [cell.strip() for cell in first if isinstance(cell, str)]
    given = [cell for cell in texts if cell not in MISSING and not (mixed and cell in MARKS)]
    numbers = sum(map(is_numeric, given)) + sum(map(_is_real, first))
    return bool(texts or not first) and 2 * numbers >= len(given) + len(first) - len(texts)


class _Cells:
    """The cells of a column, each distinct one once.

    Attributes:
        bare: Those of text that are given, without blanks around them and without their unit.
        unit: The unit that all of them have, or none.
        count: How many distinct cells are given.
        others: Whether there are cells that are neither text nor numbers.
    """

    def __init__(self, column: np.ndarray, mixed: bool):
        import pandas as pd

        self._codes, distinct = pd.factorize(column)
        try:
            cells, others = list(map(str.strip, distinct)), []
        except TypeError:
            cells = [cell.strip() if isinstance(cell, str) else cell for cell in distinct]
            others = [i for i, cell in enumerate(cells) if not isinstance(cell, str)]
        words = MISSING | MARKS if mixed else MISSING
        absent = [i for i, cell in enumerate(cells) if cell in words]
        self._distinct, self._rest = cells, others
        self._marks = [i for i in absent if cells[i] not in MISSING]
        self.count = len(cells) - len(absent)
        self._given = np.delete(np.arange(len(cells)), np.array(absent + others, dtype=np.int64))
        self.unit, self.bare = _without_unit([cells[i] for i in self._given])
        self.others = not all(_is_real(cells[i]) for i in others)

    @property
    def codes(self) -> list[str]:
        """The first of the cells that are codes of digits."""
        return list(itertools.islice(filter(is_code, self.bare), 1))

    def numbers(self, sign: str) -> np.ndarray:
        """The column as int64 if all its cells are given and whole, else as float64."""
        values = numbers_in(self.bare, sign)
        rest = np.array([self._distinct[i] for i in self._rest])
        full = self.count == len(self._distinct) and self._codes.min() >= 0
        whole = full and values.dtype.kind == "i" and (not rest.size or rest.dtype.kind == "i")
        known = np.zeros(len(self._distinct), np.int64 if whole else np.float64)
        if not full:
            known += np.nan
        known[self._given], known[self._rest] = values, rest
        return known[self._codes] if full else np.where(self._codes < 0, np.nan, known[self._codes])

    def reading(self, sign: str | None) -> Reading | None:
        """How the column is read; None if it is one of text."""
        if self.others or self.codes or not all(map(is_numeric, self.bare)):
            return None
        told = any("," in cell or "." in cell for cell in self.bare)
        return Reading(sign if told else None, self.unit, sign is not None)

    def assumed(self, sign: str) -> list[str]:
        """What was assumed of a column of numbers."""
        result = []
        if self.unit:
            cell, bare = self._distinct[self._given[0]], self.bare[0]
            result.append(f"is in {self.unit}: {cell!r} is read as {value_of(bare, sign):.12g}")
        if self._marks:
            counts = np.bincount(self._codes[self._codes >= 0], minlength=len(self._distinct))
            found = " and ".join(f"{self._distinct[i]!r} ({counts[i]})" for i in self._marks)
            result.append(f"has marks that are read as missing cells: {found}")
        return result

    def telling(self, sign: str) -> list[str]:
        """Some of the cells that are numbers under this sign alone, or otherwise without it."""
        cells = (c for c in self.bare if not is_plain(c) or (sign == "," and "." in c))
        return list(itertools.islice(cells, _LOOKED_AT))

    def why_text(self) -> list[str]:
        """What keeps the column from being one of numbers, if it almost is."""
        if self.codes:
            return [f"is read as text, because cells such as {self.codes[0]!r} begin with zero"]
        bad = [i for i, c in enumerate(self._distinct) if _is_bad(c)]
        if not bad and not self.unit and (other := self._of_other_unit()):
            return [
                f"is read as text, because not all cells have one unit ({self.bare[0]!r}, "
                f"{other!r})"
            ]
        if not bad:
            cells = " and ".join(map(repr, sorted(self.bare, key=_tells_least)[:2]))
            return [
                f"is read as text, because a comma or point in {cells} may be a decimal sign or "
                "one of thousands; write numbers with decimal points"
            ]
        rows = np.flatnonzero(np.isin(self._codes, bad))
        given = int((self._codes >= 0).sum())
        if 2 * len(rows) > given:
            return []
        first = ", ".join(f"{self._distinct[self._codes[r]]!r} in row {r + 1}" for r in rows[:3])
        return [f"is read as text: {len(rows)} of its {given} cells are no numbers ({first})"]

    def _of_other_unit(self) -> str:
        """The first cell whose unit is not that of the first one, or an empty text."""
        unit, _ = unit_of(self.bare[0])
        return next((cell for cell in self.bare if unit_of(cell)[0] != unit), "")


def _is_bad(cell: object) -> bool:
    """Whether a cell is neither missing nor a number, with or without a unit."""
    if isinstance(cell, str):
        return not (is_numeric(cell) or cell in MISSING or cell in MARKS)
    return not _is_real(cell)


def _is_real(cell: object) -> bool:
    return isinstance(cell, int | float | np.number) and not isinstance(cell, bool)


def _without_unit(cells: Sequence[str]) -> tuple[str, list[str]]:
    """The unit that all cells have, or none, and the cells without it."""
    unit, _ = unit_of(cells[0]) if cells else ("", "")
    if not unit:
        return "", list(cells)
    found = list(_while_in(unit, cells))
    return (unit, found) if len(found) == len(cells) else ("", list(cells))


def _while_in(unit: str, cells: Iterable[str]) -> Iterable[str]:
    for cell in cells:
        found, bare = unit_of(cell)
        if found != unit:
            return
        yield bare
