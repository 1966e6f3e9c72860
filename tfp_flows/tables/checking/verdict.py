"""What the checks have found, as figures and in words."""

import dataclasses
import math
from typing import Any

import numpy as np

ALPHA = 0.05
"""Probability that anything is found wrong with a model that is right, of all checks together."""


@dataclasses.dataclass(frozen=True)
class Measure:
    """One check.

    Attributes:
        name: Of the check.
        title: What it compares, for a table.
        value: What was found; ``unit`` says of what.
        threshold: Beyond which it is wrong.
        unit: Of both.
        p_value: Probability of a value as far if the model is right, adjusted for the number of
            columns; none where a check has a threshold alone.
        ok: Whether nothing is wrong.
        severity: How far beyond the threshold it is: 1 there, larger if worse.
        sentences: What is wrong, worst first, or that nothing is.
        details: Further figures, as JSON.
    """

    name: str
    title: str
    value: float
    threshold: float
    unit: str
    p_value: float | None
    ok: bool
    severity: float
    sentences: tuple[str, ...]
    details: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the picture shows.

    Attributes:
        compared: The columns of both samples.
        shares: By name of a column, numbers that are uniform if the model is right.
        wrong: Names of the columns that are found wrong, alone or with another.
        off: Names of those whose numbers are not uniform.
        pairs: Names of the ``[k]`` columns whose dependence was compared.
        associations: ``[2, k, k]``, of held-out rows and of samples.
        densities: Log-densities ``[2, rows]`` of held-out rows and of samples, in nats.
    """

    compared: list
    shares: dict[str, np.ndarray]
    wrong: tuple[str, ...]
    off: tuple[str, ...]
    pairs: list[str]
    associations: np.ndarray
    densities: np.ndarray


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether samples and densities of a model are those of held-out rows.

    Attributes:
        measures: The checks, in their order.
        rows: How many held-out rows were compared with as many samples.
        notes: What was left out, and why.
        evidence: What the picture shows.
    """

    measures: tuple[Measure, ...]
    rows: int
    notes: tuple[str, ...] = ()
    evidence: Evidence | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return all(measure.ok for measure in self.measures)

    @property
    def wrong(self) -> list[Measure]:
        """The checks that found something, worst first."""
        found = [measure for measure in self.measures if not measure.ok]
        return sorted(found, key=lambda measure: -measure.severity)

    def measure(self, name: str) -> Measure:
        """The check of a name."""
        return next(measure for measure in self.measures if measure.name == name)

    @property
    def sentences(self) -> list[str]:
        """What is wrong, worst first; one sentence if nothing is."""
        if self.ok:
            return [
                f"Nothing found: {self.rows:,} samples cannot be told from as many held-out rows "
                f"by {len(self.measures)} checks."
            ]
        return [sentence for measure in self.wrong for sentence in measure.sentences]

    def __str__(self):
        first = []
        if not self.ok:
            first = [f"Wrong by {len(self.wrong)} of {len(self.measures)} checks, worst first:"]
        return "\n".join([*first, *self.sentences, *(f"Note: {n}" for n in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """As JSON; None for figures that are not finite."""
        found = {
            "ok": self.ok,
            "verdict": self.sentences,
            "rows": self.rows,
            "false_alarms": ALPHA,
            "measures": {m.name: dataclasses.asdict(m) for m in self.measures},
            "notes": list(self.notes),
        }
        return _plain(found)

    def lines(self) -> list[tuple[str, str, str, str]]:
        """Title, value, threshold and whether it is right of each check, for a table."""
        return [
            (
                m.title,
                _figure(m.value),
                f"{_figure(m.threshold)} {m.unit}",
                "ok" if m.ok else "wrong",
            )
            for m in self.measures
        ]


def _figure(value: float) -> str:
    return "not finite" if not math.isfinite(value) else f"{value:.3g}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
