"""What is compared: rows that were held out and rows that a model has drawn, column by column."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.tables.model import TableModel
from tfp_flows.tables.quantile_ends import quantiles
from tfp_flows.tables.vectors import Quantiles

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10


@dataclasses.dataclass(frozen=True)
class Compared:
    """A column of both samples.

    Attributes:
        name: Its name.
        held: ``[rows]``, of the held-out rows, numbers or codes of classes.
        drawn: ``[rows]``, of the samples.
        classes: What the codes stand for; empty for numbers.
        ordered: Whether a larger number or code means more.
        given: Whether the model is conditioned on it, so that both samples are the same.
    """

    name: str
    held: np.ndarray
    drawn: np.ndarray
    classes: tuple[str, ...] = ()
    ordered: bool = True
    given: bool = False


class Subject:
    """A model, whatever it is, as the checks see it.

    Args:
        model: A `TableModel`, or anything with ``sample(n, seed=)`` and ``log_prob(frame)``.
        frame: Rows by which its columns are known.
        given: Names of columns that samples are drawn given, beside those of the model.

    Raises:
        InputError: If the frame lacks columns, or the model can be given none or not these.
    """

    def __init__(self, model: Any, frame: "pd.DataFrame", given: Sequence[str] = ()):
        self.model, self.is_table = model, isinstance(model, TableModel)
        if given and not self.is_table:
            raise InputError("given= is of a TableModel; other models are checked as they are.")
        for name in given:
            if name not in (own := [*model.given, *model.own]):
                raise unknown_name("column", name, own)
        if given and set(model.own) <= set(given):
            raise InputError("All columns of the model are given, and none is left to be judged.")
        self.fixed = [name for name in given if name not in model.given]
        self.given = [*model.given, *self.fixed] if self.is_table else []
        names = [*model.given, *model.own] if self.is_table else getattr(model, "columns", frame)
        self.names = [str(name) for name in names]
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise InputError(
                f"The held-out rows lack the columns {', '.join(map(repr, missing))} of the model."
            )

    def complete(self, frame: "pd.DataFrame", seed: int) -> "pd.DataFrame":
        """Rows whose gaps, and values that the model holds impossible, are filled by the model.

        If gaps depend on what is there alone, complete rows follow the model's law if it is right.
        A model that cannot fill them gets the rows without gaps.
        """
        frame = frame[self.names].reset_index(drop=True)
        if self.is_table:
            own = self.model.own
            impossible = self.model.schema.encode(frame, own).impossible
            if impossible.any():
                frame = frame.copy()
                for j in np.flatnonzero(impossible.any(axis=0)):
                    frame[own[j]] = frame[own[j]].where(~impossible[:, j])
            return (
                self.model.impute(frame, seed=seed) if frame[own].isna().to_numpy().any() else frame
            )
        return frame.dropna().reset_index(drop=True)

    def sample(self, n: int, seed: int, held: "pd.DataFrame") -> "pd.DataFrame":
        """Rows; with a context that of the held-out rows ``held``, ``n`` at least as many."""
        given = held[self.given] if self.given else None
        rows = self.model.sample(n, given, seed=seed) if self.given else None
        return self.model.sample(n, seed=seed) if rows is None else rows

    def quantiles(self, frame: "pd.DataFrame", *, alone: bool = False) -> Quantiles | None:
        """Of cells, given those before them or alone; None if the model gives none."""
        if self.is_table:
            return quantiles(self.model, frame, alone=alone, given=self.fixed)
        function = None if alone else getattr(self.model, "quantiles", None)
        return None if function is None else function(frame)

    def log_prob(self, frame: "pd.DataFrame") -> np.ndarray:
        """Log-densities in nats ``[rows]``; minus infinity where there is none."""
        scores = np.asarray(self.model.log_prob(frame[self.names]), np.float64)
        return np.where(np.isnan(scores), -np.inf, scores)

    def possible(self, frame: "pd.DataFrame") -> tuple[np.ndarray, list[str]]:
        """Log-densities of rows, ``[rows, columns]`` with the columns' names, or ``[rows, 1]``."""
        if self.is_table:
            return self.model.parts(frame), self.model.own
        return self.log_prob(frame)[:, None], []

    def numbers(self, *frames: "pd.DataFrame") -> list[np.ndarray]:
        """The rows of tables as numbers ``[rows, columns]``, not a number where there is a gap."""
        sides = [[] for _ in frames]
        for name in self.names:
            column = self.model.schema.column(name) if self.is_table else None
            if all(_is_numeric(frame[name]) for frame in frames):
                own = [frame[name].to_numpy(np.float64) for frame in frames]
            else:
                known = getattr(column, "values", [])
                own, _ = _coded(known, *(frame[name] for frame in frames))
            for side, values in zip(sides, own, strict=True):
                side.append(values)
        return [np.stack(side, axis=1) for side in sides]

    def compared(self, held: "pd.DataFrame", drawn: "pd.DataFrame") -> list[Compared]:
        """The columns of two tables that have as many rows."""
        lacking = [name for name in self.names if name not in drawn.columns]
        if lacking:
            raise InputError(f"The samples lack the columns {', '.join(map(repr, lacking))}.")
        result = []
        for name in self.names:
            given = name in self.given
            column = self.model.schema.column(name) if self.is_table else None
            if column is None:
                is_class = not _is_numeric(held[name]) or not _is_numeric(drawn[name])
            else:
                is_class = column.type in ("categorical", "ordinal")
            if is_class:
                known = [] if column is None else column.values
                codes, classes = _coded(known, held[name], drawn[name])
                ordered = column is not None and column.type == "ordinal"
                result.append(Compared(name, *codes, classes, ordered, given))
                continue
            sides = [side[name].to_numpy() for side in (held, drawn)]
            if column is not None:
                sides = [column.numeric(side) for side in sides]
            sides = [np.asarray(side, np.float64) for side in sides]
            finite = np.concatenate([side[np.isfinite(side)] for side in sides] + [[0.0]])
            # A gap of the context says nothing; a sample that is no number is as wrong as can be.
            fill = np.median(finite[:-1]) if given else finite.max() + np.ptp(finite) + 1
            sides = [np.where(np.isfinite(side), side, fill) for side in sides]
            result.append(Compared(name, *sides, given=given))
        return result


def _is_numeric(series) -> bool:
    return series.dtype.kind in "iuf"


def _coded(known: Sequence, *sides) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Codes of values, and the classes."""
    lists = [side.astype(object).where(side.notna(), None).tolist() for side in sides]
    rest = {value for values in lists for value in values} - set(known)
    place = {v: i for i, v in enumerate([*known, *sorted(rest, key=str)])}
    codes = [np.array([place[value] for value in values], np.float64) for values in lists]
    return codes, tuple("missing" if value is None else str(value) for value in place)
