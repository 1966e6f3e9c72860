"""Rows by the values of a column: which belong together, and the figures of each group."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.terminal import number, plus_minus, result_console

if TYPE_CHECKING:
    from rich.table import Table

    from tfp_flows.datasets.frames import Frame

MOST = 50
MISSING = "(missing)"
BY = {"metavar": "COLUMN"}


@dataclasses.dataclass(frozen=True, eq=False)
class Groups:
    """The groups of rows.

    Attributes:
        column: The column whose values they are.
        values: ``[groups]``, its values in order; `MISSING` for rows without one, the last.
        codes: ``[rows]``, the place in ``values`` of each row.
    """

    column: str
    values: list[Any]
    codes: np.ndarray

    @classmethod
    def of(cls, series, column: str) -> "Groups":
        """The groups of the rows of a column, a ``pandas.Series``.

        Raises:
            InputError: If it has more than 50 values.
        """
        import pandas as pd

        there = series.notna().to_numpy()
        codes, values = pd.factorize(series[there], sort=True)
        if len(values) > MOST:
            raise too_many(column, len(values))
        places = np.full(len(series), len(values))
        places[there] = codes
        found = [value.item() if hasattr(value, "item") else value for value in values]
        return cls(column, found if there.all() else [*found, MISSING], places)

    def take(self, rows: np.ndarray) -> "Groups":
        """Those of some of the rows, by their places ``[n]``; values without a row are kept."""
        return dataclasses.replace(self, codes=self.codes[rows])

    def means(self, scores: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Any]:
        """The mean log-density of each group that has a row, as JSON.

        Args:
            scores: ``[rows]``, in nats; of those that are not finite their number is told.
            weights: ``[rows]``; all alike by default.
        """
        weights = np.ones(len(scores)) if weights is None else weights
        groups = []
        for code, value in enumerate(self.values):
            own = self.codes == code
            if own.any():
                finite = np.isfinite(scores[own])
                about = {"value": str(value), "rows": int(own.sum())}
                about |= mean_nats(scores[own], weights[own], finite)
                groups.append(about | {"rows_without_density": int((~finite).sum())})
        return {"column": self.column, "groups": groups}


def too_many(column: str, count: int) -> InputError:
    """The error for a column of more than 50 values."""
    return InputError(
        f"--by is {column}, which has {count:,} different values; give a column of at most {MOST}, "
        "such as one of categories."
    )


def read(path: str, column: str, key: str | None = None, header: bool | None = None) -> Groups:
    """The groups of all rows of a file.

    Raises:
        InputError: If it cannot be read, has no such column, or one of more than 50 values.
    """
    from tfp_flows import datasets

    data = datasets.load_frame(path, columns=[column], key=key, header=header).data
    return Groups.of(data.iloc[:, 0], str(data.columns[0]))


def asked(settings, rows: np.ndarray) -> Groups | None:
    """Those that a fit was asked for, of rows by their numbers in the file, counted from 1."""
    if settings.by is None:
        return None
    return read(settings.data, settings.by, settings.key, settings.header).take(rows - 1)


def mean_nats(scores, weights, there=None) -> dict[str, Any]:
    """Weighted mean of log-densities and its standard error; None if there are none.

    Args:
        scores: ``[rows]``, in nats.
        weights: ``[rows]``.
        there: ``[rows]``, which of them count; by default the finite ones.
    """
    there = np.isfinite(scores) if there is None else there
    x, w = scores[there].astype(np.float64), weights[there]
    if not len(x) or not w.any():
        return {"mean_nats": None, "standard_error_nats": None}
    mean = np.average(x, weights=w)
    error = math.sqrt(np.sum((w * (x - mean)) ** 2)) / np.sum(w)
    return {"mean_nats": finite_or_none(mean), "standard_error_nats": finite_or_none(error)}


def finite_or_none(value: float) -> float | None:
    """A figure as JSON has it."""
    return float(value) if math.isfinite(value) else None


class GroupMeans:
    """The mean log-densities of groups of rows that come block by block.

    Args:
        column: The column by whose values they are told.
    """

    def __init__(self, column: str):
        self.column = column
        # By their text, as a block of numbers alone has for the same cells other values.
        self._found: dict[str, list[float]] = {}
        self._values: dict[str, Any] = {}

    def add(self, series, scores: np.ndarray) -> None:
        """Counts rows in.

        Args:
            series: ``[rows]``, the column, a ``pandas.Series``.
            scores: ``[rows]``, in nats.

        Raises:
            InputError: If there are more than 50 values by now.
        """
        own = Groups.of(series, self.column)
        for code, value in enumerate(own.values):
            x = scores[own.codes == code].astype(np.float64)
            if not len(x):
                continue
            y = x[np.isfinite(x)]
            mean = y.mean() if len(y) else 0.0
            text = _as_text(value)
            self._values.setdefault(text, value)
            rows, count, old, squares = self._found.get(text, [0, 0, 0.0, 0.0])
            # Of two parts with means of their own (Chan et al. 1979).
            both = count + len(y)
            new = old + (mean - old) * len(y) / max(both, 1)
            squares += ((y - mean) ** 2).sum() + (mean - old) ** 2 * count * len(y) / max(both, 1)
            self._found[text] = [rows + len(x), both, new, squares]
        count = len(self._found) - (MISSING in self._found)
        if count > MOST:
            raise too_many(self.column, count)

    def tell(self) -> None:
        """Prints them."""
        result_console().print(table(self.means()))

    def means(self) -> dict[str, Any]:
        """As `Groups.means`."""
        groups = []
        known = [text for text in self._found if text != MISSING]
        try:
            known.sort(key=self._values.__getitem__)
        except TypeError:  # texts in some blocks, numbers in others
            known.sort()
        for text in [*known, *([MISSING] if MISSING in self._found else [])]:
            rows, count, mean, squares = self._found[text]
            figures = {"mean_nats": None, "standard_error_nats": None}
            if count:
                error = finite_or_none(math.sqrt(squares) / count)
                figures = {"mean_nats": finite_or_none(mean), "standard_error_nats": error}
            about = {"value": str(self._values[text]), "rows": rows, **figures}
            groups.append(about | {"rows_without_density": rows - count})
        return {"column": self.column, "groups": groups}


class RowsOfGroups:
    """The column of a file by which `GroupMeans` counts, in other blocks than its scores perhaps.

    Args:
        means: What counts.
        column: The column, block by block; see `datasets.blocks.chosen`.
    """

    def __init__(self, means: GroupMeans, column: Iterator["Frame"]):
        self._means, self._column, self._block = means, column, None

    def add(self, numbers: np.ndarray, scores: np.ndarray) -> None:
        """Counts rows in.

        Args:
            numbers: ``[rows]``, those in the file, counted from 1, ascending from call to call.
            scores: ``[rows]``, in nats.
        """
        while len(numbers):
            if self._block is None or numbers[0] > self._block.rows[-1]:
                self._block = next(self._column)
                continue
            rows = self._block.rows
            stop = np.searchsorted(numbers, rows[-1], side="right")
            self._means.add(self._block.data.iloc[numbers[:stop] - rows[0], 0], scores[:stop])
            numbers, scores = numbers[stop:], scores[stop:]


def _as_text(value: Any) -> str:
    """How a value is written where a block holds texts."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def table(found: Mapping[str, Any]) -> "Table":
    """What `Groups.means` returned, for people."""
    from rich.markup import escape
    from rich.table import Table

    result = Table(box=None, pad_edge=False)
    result.add_column(escape(found["column"]))
    for name in ("rows", "nats per row (± 2 s.e.)"):
        result.add_column(name, justify="right")
    lost = any(group["rows_without_density"] for group in found["groups"])
    if lost:
        result.add_column("without density, left out", justify="right")
    for group in found["groups"]:
        mean, several = group["mean_nats"], group["rows"] > 1
        # One row has no standard error.
        figure = plus_minus(mean, group["standard_error_nats"]) if several else number(mean)
        cells = [group["value"], f"{group['rows']:,}", figure]
        cells += [f"{group['rows_without_density']:,}"] if lost else []
        result.add_row(*map(escape, cells))
    return result
