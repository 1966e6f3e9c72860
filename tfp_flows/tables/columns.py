"""What a column of a table may be: its values, how they become cells, and cells become values.

A column of a `Schema` is data; what the data have taught it (knots, shares) stands beside.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.marginal import Marginal

OPEN = 40.0
"""The edge of an interval that has none; that of `tfp_flows.bijectors.Cells`."""

_NEAR = 6.0
_MOST_EDGES = 2048


class Coded(NamedTuple):
    """Cells of a column.

    Attributes:
        cells: ``[n, 4]``: class, low and high end of the number, whether there is a value.
        log_det: ``[n]``, from the number to the value, in nats; 0 where there is none.
        impossible: ``[n]``, whether the value cannot be one of this column.
    """

    cells: np.ndarray
    log_det: np.ndarray
    impossible: np.ndarray


@dataclasses.dataclass(kw_only=True)
class Column:
    """A column: name, what was decided of it, and why.

    Attributes:
        name: Its name.
        reason: Why it is of this type, in words.
        gaps: Share of cells that were missing where it was inferred.
    """

    type: ClassVar[str] = ""
    shown: ClassVar[tuple[str, ...]] = ()
    number: ClassVar[str] = ""

    name: str
    reason: str = ""
    gaps: float = 0.0

    @property
    def classes(self) -> int:
        """How many classes it has in `Cells`."""
        return 1

    @property
    def modelled(self) -> bool:
        """Whether it has a density at all."""
        return True

    def grid(self) -> list[float] | None:
        """Edges of its intervals, in latents, if they can be listed."""
        return None

    def fit(self, values: np.ndarray) -> None:
        """Learns from the values of training rows, without gaps."""

    def shares(self, values: np.ndarray) -> list[float] | None:
        """Probabilities of its classes among values, with half a row more of each."""
        if self.classes == 1:
            return None
        counts = np.bincount(self.encode(values).cells[:, 0].astype(int), minlength=self.classes)
        return ((counts + 0.5) / (counts + 0.5).sum()).tolist()

    def encode(self, values: np.ndarray) -> Coded:
        """Cells of values ``[n]`` without gaps."""
        raise NotImplementedError

    def decode(self, cells: np.ndarray) -> np.ndarray:
        """Values of cells ``[n, 4]``."""
        raise NotImplementedError

    def numeric(self, values: np.ndarray) -> np.ndarray:
        """Numbers that stand for values in measures and pictures."""
        return np.asarray(values, np.float64)

    def describe(self) -> str:
        """The type and its arguments, for a reader."""
        given = [f"{n}={_short(getattr(self, n))}" for n in self.shown if getattr(self, n) not in (None, [])]
        return f"{self.type}({', '.join(given)})" if given else self.type

    def suggestion(self, values: np.ndarray) -> str:
        """What a value that is impossible could have been."""
        return ""

    def spec(self) -> dict[str, Any]:
        """What a schema file says of it."""
        return {n: getattr(self, n) for n in self.shown if getattr(self, n) not in (None, [])}


def _short(value: Any) -> str:
    if isinstance(value, list):
        texts = [str(v) for v in value]
        return "[" + ", ".join(texts[:4]) + (f", ... {len(texts)}" if len(texts) > 4 else "") + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclasses.dataclass(kw_only=True)
class Constant(Column):
    """One value in all rows, which is kept aside and put back."""

    type: ClassVar[str] = "constant"
    shown: ClassVar[tuple[str, ...]] = ("value",)

    value: Any = None

    @property
    def modelled(self) -> bool:
        return False

    def decode(self, cells):
        return np.full(len(cells), self.value)


@dataclasses.dataclass(kw_only=True)
class LeftOut(Column):
    """A column of which nothing can be learned, such as an identifier; samples do not have it."""

    type: ClassVar[str] = "left_out"

    @property
    def modelled(self) -> bool:
        return False


@dataclasses.dataclass(kw_only=True)
class Categorical(Column):
    """Values without an order, each with a probability.

    Attributes:
        values: All of them: texts, numbers or truth values.
    """

    type: ClassVar[str] = "categorical"
    shown: ClassVar[tuple[str, ...]] = ("values",)

    values: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise InputError(
                f"Column {self.name!r} of the schema is {self.type} with the values "
                f"{_short(self.values)}; give two different ones or more."
            )

    @property
    def classes(self) -> int:
        return len(self.values)

    def encode(self, values):
        place = {value: code for code, value in enumerate(self.values)}
        codes = np.array([place.get(v, -1) for v in np.asarray(values).tolist()], np.float64)
        cells = np.zeros([len(codes), 4])
        cells[:, 0], cells[:, 3] = np.maximum(codes, 0), 1
        return Coded(cells, np.zeros(len(codes)), codes < 0)

    def decode(self, cells):
        kinds = {type(v) for v in self.values}
        dtype = None if len(kinds) == 1 and str not in kinds else object
        return np.array(self.values, dtype)[np.round(cells[:, 0]).astype(int)]

    def numeric(self, values):
        return self.encode(values).cells[:, 0]

    def suggestion(self, values):
        import difflib

        known = [str(v) for v in self.values]
        near = difflib.get_close_matches(str(values[0]), known, n=1)
        return f"; nearest: {near[0]!r}" if near else f"; it has {_short(self.values)}"


@dataclasses.dataclass(kw_only=True)
class Ordinal(Categorical):
    """Few values with an order, each with a probability."""

    type: ClassVar[str] = "ordinal"


@dataclasses.dataclass(kw_only=True)
class Real(Column):
    """Numbers with a density, or on a grid, and some values with probabilities of their own.

    Attributes:
        step: Distance of a grid, where numbers are rounded to one: the density is then the
            probability of a rounded number over the step.
        atoms: Values that are met again and again and have a probability, not a density.
    """

    type: ClassVar[str] = "real"
    shown: ClassVar[tuple[str, ...]] = ("step", "atoms")
    low: float = -math.inf
    high: float = math.inf

    step: float | None = None
    atoms: list = dataclasses.field(default_factory=list)
    marginal: Marginal | None = None
    edges: list | None = None
    first: int = 0
    last: int = 0

    @property
    def number(self) -> str:
        return "line" if self.step is None else "grid"

    @property
    def classes(self) -> int:
        return len(self.atoms) + 1

    def _support(self, x):
        """From the support to the reals, and the logarithm of the slope."""
        return x, np.zeros(len(x))

    def _value(self, s):
        return s

    def _index(self, x):
        return np.round(x / self.step)

    def fit(self, values):
        x = np.asarray(values, np.float64)
        x = x[~np.isin(x, self.atoms)]
        x = x[(x > self.low) & (x < self.high)] if self.step is None else x
        if len(x) == 0:
            x = np.array([0.3, 0.7]) if self.step is None else np.array([0.0, 1.0])
        if self.step is None:
            self.marginal = Marginal.fit(self._support(x)[0])
            return
        index = self._index(x)
        # Spread evenly over its interval, so that quantiles differ.
        order = np.argsort(index, kind="stable")
        starts = np.concatenate([[0], np.flatnonzero(np.diff(index[order])) + 1, [len(index)]])
        spread = np.concatenate([(np.arange(n) + 0.5) / n - 0.5 for n in np.diff(starts)])
        places = (index[order] + spread) * self.step
        inside = (places > self.low) & (places < self.high)
        self.marginal = Marginal.fit(self._support(places[inside] if inside.any() else places)[0])
        self._list_edges(int(index.min()), int(index.max()))

    def _list_edges(self, first: int, last: int) -> None:
        far = self._value(self.marginal.inverse(np.array([-5.0, 5.0]))) / self.step
        bounds = np.array([self.low, self.high]) / self.step
        first = int(max(min(first, np.floor(far[0])), np.ceil(bounds[0] - 1e-9), first - _MOST_EDGES))
        last = int(min(max(last, np.ceil(far[1])), np.floor(bounds[1] + 1e-9), last + _MOST_EDGES))
        self.first, self.last, self.edges = first, last, None
        if last - first < _MOST_EDGES:
            inner = self._edge_latents((np.arange(first, last) + 0.5) * self.step)
            # As rising as float32 can tell.
            inner = np.maximum.accumulate(inner)
            self.edges = [-OPEN, *inner.tolist(), OPEN]

    def grid(self):
        return self.edges

    def _edge_latents(self, edges):
        inside = (edges > self.low) & (edges < self.high)
        z = np.where(edges <= self.low, -OPEN, OPEN)
        z[inside] = self.marginal.forward(self._support(edges[inside])[0])[0]
        return np.clip(z, -OPEN, OPEN)

    def upper(self, x: np.ndarray) -> np.ndarray:
        """Latents ``[n]`` up to which the numbers up to ``x`` ``[n]`` are."""
        if self.step is None:
            return self._edge_latents(x)
        index = np.floor(x / self.step + 1e-6)
        z = self._edge_latents((index + 0.5) * self.step)
        if self.edges is None:
            return z
        return np.where(index < self.first, -OPEN, np.where(index >= self.last, OPEN, z))

    def encode(self, values):
        x = np.asarray(values, np.float64)
        cells, log_det = np.zeros([len(x), 4]), np.zeros(len(x))
        cells[:, 3], cells[:, 0] = 1, len(self.atoms)
        for code, atom in enumerate(self.atoms):
            cells[x == atom, 0] = code
        is_number = cells[:, 0] == len(self.atoms)
        impossible = is_number & ~((x > self.low) & (x < self.high))
        if self.step is not None:
            impossible = is_number & ~((x >= self.low) & (x <= self.high))
        usable = is_number & ~impossible
        if self.step is None:
            s, slope = self._support(x[usable])
            z, more = self.marginal.forward(s)
            cells[usable, 1] = cells[usable, 2] = np.clip(z, -OPEN, OPEN)
            log_det[usable] = slope + more
        else:
            index = self._index(x[usable])
            low, high = (self._edge_latents((index + d) * self.step) for d in (-0.5, 0.5))
            if self.edges is not None:
                low, high = np.where(index <= self.first, -OPEN, low), np.where(index >= self.last, OPEN, high)
            cells[usable, 1], cells[usable, 2] = low, np.maximum(high, low + 1e-6)
            log_det[usable] = -math.log(self.step)
        return Coded(cells, log_det, impossible)

    def decode(self, cells):
        z = (np.clip(cells[:, 1], -_NEAR, _NEAR) + np.clip(cells[:, 2], -_NEAR, _NEAR)) / 2
        x = self._value(self.marginal.inverse(z.astype(np.float64)))
        if self.step is not None:
            index = self._index(x)
            if self.edges is not None:
                index = np.clip(index, self.first, self.last)
            x = self._rounded(index)
        x = np.clip(x, self._inside(self.low, 1), self._inside(self.high, -1))
        codes = np.round(cells[:, 0]).astype(int)
        for code, atom in enumerate(self.atoms):
            x[codes == code] = atom
        return x

    def _inside(self, bound: float, sign: int) -> float:
        """The bound itself on a grid; else the nearest number that has a density."""
        if self.step is not None or not math.isfinite(bound):
            return bound
        return np.nextafter(bound, sign * math.inf)

    def _rounded(self, index):
        decimals = max(0, math.ceil(-math.log10(self.step) + 1e-9)) + 1
        return np.round(index * self.step, decimals)


@dataclasses.dataclass(kw_only=True)
class Positive(Real):
    """Numbers above 0."""

    type: ClassVar[str] = "positive"
    low: float = 0.0

    def _support(self, x):
        return np.log(x), -np.log(x)

    def _value(self, s):
        return np.exp(np.clip(s, -700, 700))


@dataclasses.dataclass(kw_only=True)
class Bounded(Real):
    """Numbers between two bounds; bounds that are met themselves are atoms."""

    type: ClassVar[str] = "bounded"
    shown: ClassVar[tuple[str, ...]] = ("low", "high", "step", "atoms")

    def __post_init__(self):
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(
                f"Column {self.name!r} of the schema is bounded by {self.low:g} and "
                f"{self.high:g}; give a finite low below a finite high."
            )

    def _support(self, x):
        share = (x - self.low) / (self.high - self.low)
        rest = (self.high - x) / (self.high - self.low)
        return np.log(share) - np.log(rest), -np.log(share * rest * (self.high - self.low))

    def _value(self, s):
        share = np.exp(-np.logaddexp(0, -s))
        return self.low + (self.high - self.low) * share


@dataclasses.dataclass(kw_only=True)
class Integer(Real):
    """Whole numbers, each with a probability, which follows a density over the line.

    Attributes:
        low: The lowest that is possible.
        high: The highest that is possible.
    """

    type: ClassVar[str] = "integer"
    shown: ClassVar[tuple[str, ...]] = ("low", "high", "atoms")
    step: float | None = 1.0

    def spec(self):
        return {n: v for n, v in super().spec().items() if n == "atoms" or math.isfinite(v)}

    def describe(self):
        ends = [f"{n}={v:g}" for n, v in (("low", self.low), ("high", self.high)) if math.isfinite(v)]
        return f"integer({', '.join(ends)})" if ends else "integer"

    def _edge_latents(self, edges):
        z = self.marginal.forward(np.asarray(edges, np.float64))[0]
        z = np.where(edges < self.low, -OPEN, np.where(edges > self.high, OPEN, z))
        return np.clip(z, -OPEN, OPEN)

    def decode(self, cells):
        return super().decode(cells).astype(np.int64)


@dataclasses.dataclass(kw_only=True)
class Angle(Column):
    """A number on a circle: its end is its beginning.

    Attributes:
        period: Length of the circle.
        low: Where it begins.
        step: Distance of a grid to which samples are rounded.
    """

    type: ClassVar[str] = "angle"
    shown: ClassVar[tuple[str, ...]] = ("period", "low", "step")
    number: ClassVar[str] = "circle"

    period: float = 360.0
    low: float = 0.0
    step: float | None = None

    def __post_init__(self):
        if not 0 < self.period < math.inf:
            raise InputError(
                f"Column {self.name!r} of the schema has the period {self.period!r}; give a "
                "positive number."
            )

    def upper(self, x: np.ndarray) -> np.ndarray:
        """Angles ``[n]`` from -pi of numbers ``x`` ``[n]`` on the circle as it begins and ends."""
        return np.clip((x - self.low) / self.period, 0, 1) * 2 * math.pi - math.pi

    def encode(self, values):
        x = np.asarray(values, np.float64)
        turn = np.mod((x - self.low) / self.period, 1.0) * 2 * math.pi - math.pi
        cells = np.stack([np.zeros(len(x)), turn, turn, np.ones(len(x))], axis=-1)
        log_det = np.full(len(x), math.log(2 * math.pi / self.period))
        return Coded(cells, log_det, ~np.isfinite(x))

    def decode(self, cells):
        share = np.mod((cells[:, 1].astype(np.float64) + math.pi) / (2 * math.pi), 1.0)
        x = self.low + share * self.period
        if self.step is not None:
            x = self.low + np.mod(np.round((x - self.low) / self.step) * self.step, self.period)
        return x


TYPES = {
    cls.type: cls
    for cls in (Constant, LeftOut, Categorical, Ordinal, Real, Positive, Bounded, Integer, Angle)
}
"""The types of columns, by name."""


def listed(values: Sequence[Any]) -> list:
    """Values as plain Python, sorted where they can be."""
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    return sorted(plain, key=lambda v: (isinstance(v, str), v))
