"""The schema of a table: what each column is, decided by rules or by its user, and learned."""

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.tables.columns import Coded, Column, as_python
from tfp_flows.tables.deciding import TYPES, decided, decisions
from tfp_flows.tables.inference import infer
from tfp_flows.tables.marginal import Marginal

if TYPE_CHECKING:
    import pandas as pd


class Encoded(NamedTuple):
    """A table as cells.

    Attributes:
        cells: ``[rows, columns, 4]``, float32, of the modelled columns; see `bijectors.Cells`.
        log_det: ``[rows, columns]`` in nats, from cells to values; 0 at gaps.
        impossible: ``[rows, columns]``, whether a value cannot be one of its column.
    """

    cells: np.ndarray
    log_det: np.ndarray
    impossible: np.ndarray


class Schema:
    """The columns of a table.

    Args:
        columns: In the order of the table.

    Raises:
        InputError: If there are none, or none has anything to be learned.
    """

    def __init__(self, columns: Iterable[Column]):
        self.columns = list(columns)
        if not any(column.modelled for column in self.columns):
            found = "; ".join(f"{c.name!r}: {c.reason}" for c in self.columns[:4])
            raise InputError(f"No column has anything to be learned ({found or 'there is none'}).")

    @classmethod
    def infer(
        cls,
        frame: "pd.DataFrame",
        given: Mapping[str, Mapping] | None = None,
        *,
        rows: np.ndarray | None = None,
    ) -> "Schema":
        """Decides the type of each column; see `docs/tables.md` for the rules.

        Args:
            frame: The table.
            given: Types that a user has decided, by column, as a schema file holds them.
            rows: ``[rows]``, the numbers by which messages name rows; from 1 on by default.

        Returns:
            The schema, not yet fitted.

        Raises:
            InputError: If what was decided names no column of the table or no type, or values
                contradict it.
        """
        given = decisions(given)
        for name in given:
            if name not in frame.columns:
                raise unknown_name("column", name, [str(c) for c in frame.columns])
        columns = []
        for name in frame.columns:
            column = infer(frame[name], str(name))
            if name in given:
                values = _given(frame[name]).to_numpy()
                column = decided(str(name), given[name], column, values)
            columns.append(column)
        schema = cls(columns)
        schema.check(frame, [str(name) for name in given], rows)
        return schema

    @property
    def modelled(self) -> list[Column]:
        """The columns that have a density."""
        return [column for column in self.columns if column.modelled]

    @property
    def names(self) -> list[str]:
        """Names of the columns that have a density."""
        return [column.name for column in self.modelled]

    def column(self, name: str) -> Column:
        """The column of a name.

        Raises:
            InputError: If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown_name("column", name, [c.name for c in self.columns])

    def fit(self, frame: "pd.DataFrame") -> None:
        """Learns knots of the numbers from training rows."""
        for column in self.modelled:
            column.fit(_given(frame[column.name]).to_numpy())

    def shares(
        self, frame: "pd.DataFrame", weights: np.ndarray | None = None
    ) -> list[list[float] | None]:
        """Probabilities of the classes of each modelled column, by weights ``[rows]`` if any."""
        found = []
        for column in self.modelled:
            there = _given_mask(frame[column.name])
            own = None if weights is None else weights[there]
            found.append(column.shares(frame[column.name].to_numpy()[there], own))
        return found

    def encode(self, frame: "pd.DataFrame", names: Sequence[str] | None = None) -> Encoded:
        """Cells of a table.

        Args:
            frame: Rows that have the modelled columns; a missing column is one of gaps.
            names: Of the columns to encode; all modelled ones by default.
        """
        columns = self.modelled if names is None else [self.column(name) for name in names]
        count = len(frame)
        cells = np.zeros([count, len(columns), 4], np.float32)
        log_det = np.zeros([count, len(columns)])
        impossible = np.zeros([count, len(columns)], bool)
        for j, column in enumerate(columns):
            if column.name not in frame:
                continue
            there = _given_mask(frame[column.name])
            values = frame[column.name].to_numpy()[there]
            try:
                coded = column.encode(values)
            except (ValueError, TypeError):
                coded = _one_by_one(column, values)
            cells[there, j], log_det[there, j] = coded.cells, coded.log_det
            impossible[there, j] = coded.impossible
        cells[impossible] = 0
        return Encoded(cells, np.where(impossible, 0, log_det), impossible)

    def decode(self, cells: np.ndarray, names: Sequence[str] | None = None) -> "pd.DataFrame":
        """The table of cells ``[rows, columns, 4]``, gaps as missing, constants put back."""
        import pandas as pd

        names = self.names if names is None else list(names)
        series = {}
        for column in self.columns:
            if column.name in names:
                own = cells[:, names.index(column.name)]
                values = pd.Series(column.decode(own))
                known = own[:, 3] > 0
                series[column.name] = values if known.all() else values.where(known)
            elif column.type == "constant" and set(self.names) <= set(names):
                series[column.name] = pd.Series(column.decode(cells[:, 0]))
        return pd.DataFrame(series)

    def check(
        self, frame: "pd.DataFrame", names: Iterable[str], rows: np.ndarray | None = None
    ) -> None:
        """Raises an `InputError` if values of these columns are impossible, with their rows.

        These are named by ``rows``, ``[rows]``, or counted from 1.
        """
        numbers = np.arange(1, len(frame) + 1) if rows is None else np.asarray(rows)
        for name in names:
            column = self.column(name)
            there = _given_mask(frame[name])
            bad = column.contradicting(frame[name].to_numpy()[there])
            if bad.any():
                places = np.flatnonzero(there)[bad]
                first = ", ".join(str(r) for r in numbers[places][:5])
                found = f"{as_python(frame[name].iloc[places[0]])!r} and others in rows {first}"
                if len(places) == 1:
                    found = found.replace(" and others in rows", " in row")
                raise InputError(
                    f"Column {name!r} is to be {column.describe()}, and {bad.sum():,} of its "
                    f"values contradict{'s' if len(places) == 1 else ''} that: {found}"
                    f"{', ...' if bad.sum() > 5 else ''}; {column.remedy}."
                )

    def impossible(self, frame: "pd.DataFrame") -> Iterator[tuple[Column, np.ndarray]]:
        """The columns of a frame, each with the places of values that cannot be ones of it.

        Constants are among them, which `encode` knows nothing of.
        """
        for column in self.columns:
            if column.name in frame:
                there = _given_mask(frame[column.name])
                values = frame[column.name].to_numpy()[there]
                yield column, np.flatnonzero(there)[_impossible(column, values)]

    def refuse_impossible(self, frame: "pd.DataFrame") -> None:
        """Raises an `InputError` that names the first value that cannot be one of its column."""
        for column, bad in self.impossible(frame):
            if len(bad):
                value = as_python(frame[column.name].iloc[bad[0]])
                raise InputError(
                    f"Row {bad[0] + 1} has {value!r} in column {column.name!r}, which is "
                    f"{column.describe()}{column.suggestion([value])}."
                )

    def record(self) -> list[dict[str, Any]]:
        """As JSON, with what was learned."""
        return [_record(column) for column in self.columns]

    @classmethod
    def restore(cls, record: list[dict[str, Any]]) -> "Schema":
        """Rebuilds what `record` returned."""
        columns = []
        for entry in record:
            own = dict(entry)
            kind = TYPES[own.pop("type")]
            if own.get("marginal") is not None:
                own["marginal"] = Marginal.restore(own["marginal"])
            own |= {k: float(own[k]) for k in ("low", "high") if k in own}
            columns.append(kind(**own))
        return cls(columns)

    def to_toml(self) -> str:
        """The text of a schema file: what was decided of each column, to be edited."""
        lines = []
        for column in self.columns:
            lines.append(f"[columns.{json.dumps(column.name, ensure_ascii=False)}]")
            lines.append(f"type = {json.dumps(column.type)}  # {column.reason}")
            for name, value in column.spec().items():
                lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
            lines.append("")
        return "\n".join(lines)

    def described(self) -> list[tuple[str, str, str]]:
        """Name, type, and reason with gaps, of each column."""
        result = []
        for column in self.columns:
            reason = column.reason
            if column.gaps and column.type != "left_out":
                reason += f"; {100 * column.gaps:.2g} % missing"
            result.append((column.name, column.describe(), reason))
        return result


def _given_mask(series) -> np.ndarray:
    there = series.notna().to_numpy()
    if series.dtype.kind == "f":
        there = there & np.isfinite(series.to_numpy())
    return there


def _given(series):
    return series[_given_mask(series)]


def _impossible(column: Column, values) -> np.ndarray:
    try:
        return column.impossible(values)
    except (ValueError, TypeError):
        return np.array([_is_impossible(column, value) for value in values], bool)


def _is_impossible(column: Column, value) -> bool:
    try:
        return bool(column.impossible(np.asarray([float(value)]))[0])
    except (ValueError, TypeError):
        return True


def _one_by_one(column: Column, values):
    """Cells of values some of which are of another kind, such as a text among numbers."""
    cells, log_det = np.zeros([len(values), 4]), np.zeros(len(values))
    impossible = np.ones(len(values), bool)
    for i, value in enumerate(values):
        try:
            coded = column.encode(np.asarray([float(value)]))
        except (ValueError, TypeError):
            continue
        cells[i], log_det[i], impossible[i] = coded.cells[0], coded.log_det[0], coded.impossible[0]
    return Coded(cells, log_det, impossible)


def _record(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": column.type}
    for field in dataclasses.fields(column):
        value = getattr(column, field.name)
        if isinstance(value, Marginal):
            value = value.record()
        elif isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        entry[field.name] = value
    return entry
