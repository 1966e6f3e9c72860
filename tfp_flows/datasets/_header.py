"""Whether the first row of a text table holds the names of its columns, and which are an index."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.datasets._cells import (
    MARKS,
    is_missing,
    is_number,
    is_numeric,
    is_whole,
    likely_value,
)

_UNNAMED = re.compile(r"(?:Unnamed: \d+(?:_level_\d+)?)?")


class Verdict(NamedTuple):
    """Whether the first row is a header, and why, where that is not plain to see."""

    named: bool
    reason: str = ""


def judge(first: Sequence[str], below: Sequence[Sequence[str]], *, quoted: bool) -> Verdict:
    """Decides by the rows below whether the first row of a file is a header.

    It is one if a cell of text stands above a column of numbers. Where there is none, numbers can
    still be names: 0, 1, 2, ... of columns that never had any, or years, above columns in which
    such numbers do not stand.

    Args:
        first: Cells of the first row.
        below: Cells of rows below it.
        quoted: Whether all cells of the first row stand in quotes and those below do not.

    Returns:
        The verdict.
    """
    numbers = [i for i, cell in enumerate(first) if is_numeric(cell)]
    if quoted:
        return Verdict(True, "they stand in quotes, unlike the rows below" if numbers else "")
    texts = [i for i, cell in enumerate(first) if not is_missing(cell) and i not in numbers]
    if not below:
        return Verdict(bool(texts))
    columns = [_Column([row[i] for row in below if i < len(row)]) for i in range(len(first))]
    telling = [i for i in texts if first[i] not in MARKS and not columns[i].of_text]
    if telling:
        return Verdict(True, f"{first[telling[0]]!r} is no number" if numbers else "")
    if texts and all(column.of_text for column in columns):
        return _of_texts([first[i] in columns[i].given for i in texts])
    if texts and not numbers and columns[0].counts and not first[0]:
        return Verdict(True, "numbers that count the rows are below its first cell, which is empty")
    plain = [i for i in numbers if is_number(first[i])]
    above = [i for i in plain if columns[i].values.size and not columns[i].of_text]
    given = len(texts) + len(numbers)
    if above and _are_names([first[i] for i in above], [columns[i] for i in above], given):
        return Verdict(True, "its numbers count up or differ from all rows below")
    if len(above) < len(first):
        return Verdict(False, "its cells are like those below")
    whole = all(is_whole(first[i]) for i in above)
    counts = whole and _steps([first[i] for i in above]) == {1.0}
    return Verdict(False, "its numbers count up, but are like those below" if counts else "")


def _of_texts(found_below: Sequence[bool]) -> Verdict:
    """The verdict where all columns hold text: names seldom stand among the cells below them."""
    if 2 * sum(found_below) > len(found_below):
        return Verdict(False, "its cells stand in the rows below too")
    return Verdict(True, "all columns hold text, and its cells stand in no other row")


class _Column:
    """What the cells below the first row of a column are like."""

    def __init__(self, cells: Sequence[str]):
        self.given = [cell for cell in cells if not is_missing(cell) and cell not in MARKS]
        self.of_text = not all(map(is_numeric, self.given))
        self.values = np.array([likely_value(cell) for cell in self.given if is_number(cell)])
        self._has_whole = any(map(is_whole, self.given))

    @property
    def counts(self) -> bool:
        """Whether its numbers count the rows."""
        start = self.values[:1]
        return bool(start.size) and np.array_equal(self.values, start + np.arange(len(self.values)))

    def is_unlike(self, cell: str) -> bool:
        """Whether an integer stands above numbers that all have decimals."""
        return is_whole(cell) and not self._has_whole

    def is_outside(self, cell: str) -> bool:
        """Whether a number is beyond all others of a column that is in no order."""
        value = likely_value(cell)
        steps = np.diff([value, *self.values])
        ordered = (steps >= 0).all() or (steps <= 0).all()
        return not ordered and not self.values.min() <= value <= self.values.max()


def _are_names(cells: Sequence[str], columns: Sequence[_Column], given: int) -> bool:
    """Whether numbers of a first row are names; ``given`` counts its texts too."""
    values = [likely_value(cell) for cell in cells]
    if len(set(values)) < len(values):
        return False
    unlike = [column.is_unlike(cell) for cell, column in zip(cells, columns, strict=True)]
    outside = [column.is_outside(cell) for cell, column in zip(cells, columns, strict=True)]
    strange = sum(map(max, unlike, outside))
    if len(cells) == 1:
        year = 1000 <= values[0] < 3000 and outside[0]
        return unlike[0] and len(columns[0].values) > 2 and (year or (given == 1 and values == [0]))
    whole = all(map(is_whole, cells))
    if whole and values == list(range(len(values))):
        return len(cells) > 2 or strange > 0
    steps = _steps(cells)
    if whole and (steps in ({1.0}, {-1.0}) or (len(cells) > 2 and len(steps) == 1)):
        return 2 * strange >= len(cells)
    if len(cells) > 2 and len(steps) == 1 and all(outside):
        return True
    return all(unlike) and all(outside)


def _steps(cells: Sequence[str]) -> set[float]:
    return set(np.round(np.diff([likely_value(cell) for cell in cells]), 9))


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, with a number behind the second and further ones of a kind: ``a.1``."""
    result, taken = list(names), set(names)
    counts: dict[str, int] = {}
    for i, name in enumerate(names):
        number = counts.get(name, 0)
        while number and (result[i] in taken):
            result[i], number = f"{name}.{number}", number + 1
        counts[name] = max(number, 1)
        taken.add(result[i])
    return result


def looks_like_data(names: Sequence[str]) -> bool:
    """Whether names must stand in quotes, to be known for names above any rows."""
    return any(is_number(name) or is_missing(name) or name in MARKS for name in names)


def index_columns(names: Sequence[str], columns: Sequence[np.ndarray]) -> list[int]:
    """Finds the columns at the front that are the row labels of a data frame.

    Such a column has no name (or the one that pandas makes of none) and holds text, whole numbers
    that count the rows, or in ten rows or more distinct ones, as of rows that were shuffled.

    Args:
        names: Names as they stand in the file.
        columns: The columns.

    Returns:
        Their indices; at least one column is left.
    """
    found = []
    for i, (name, column) in enumerate(zip(names[:-1], columns, strict=False)):
        if not _UNNAMED.fullmatch(name) or not _labels_rows(column):
            break
        found.append(i)
    return found


def _labels_rows(column: np.ndarray) -> bool:
    if column.dtype.kind not in "iu":
        return column.dtype.kind not in "fbc"
    rows = len(column)
    if not rows or column.min() < 0:
        return False
    if np.array_equal(column, column[0] + np.arange(rows)):
        return True
    return rows >= 10 and len(np.unique(column)) == rows
