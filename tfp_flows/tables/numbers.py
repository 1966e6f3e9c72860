"""Columns of numbers with a density: on the line, above 0, between bounds, on grids."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.columns import OPEN, Coded, Column, as_python, short
from tfp_flows.tables.grids import decimals_of, on_grid
from tfp_flows.tables.marginal import Marginal

_NEAR = 6.0
_BACK = 1e-9
_MOST_EDGES = 2048
# Latents that float32 still tells apart.
_NARROW = 1e-6


def _widened(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends of cells ``[n]``, none too narrow, and the log of the share that each is of its own."""
    width = high - low
    narrow = width < _NARROW
    middle = (low + high) / 2
    # A plateau of the marginal has no width that could be told.
    share = np.where(narrow & (width > 0), width / _NARROW, 1.0)
    low = np.where(narrow, middle - _NARROW / 2, low)
    return low, np.where(narrow, middle + _NARROW / 2, high), np.log(share)


@dataclasses.dataclass(kw_only=True)
class Real(Column):
    """Numbers with a density, or on a grid, and some values with probabilities of their own.

    Attributes:
        step: Distance of a grid, where numbers are rounded to one: the density is then the
            probability of a rounded number over the step.
        origin: A number of the grid; 0 by default.
        atoms: Values that are met again and again and have a probability, not a density. A grid has
            none: each of its numbers has a probability.
    """

    type: ClassVar[str] = "real"
    shown: ClassVar[tuple[str, ...]] = ("step", "origin", "atoms")
    low: float = -math.inf
    high: float = math.inf

    step: float | None = None
    origin: float | None = None
    atoms: list = dataclasses.field(default_factory=list)
    marginal: Marginal | None = None
    edges: list | None = None
    first: int = 0
    last: int = 0

    def __post_init__(self):
        if self.step is not None and self.atoms:
            raise InputError(
                f"Column {self.name!r} of the schema has a step and atoms, and each number of a "
                "grid has a probability of its own; leave one of them out."
            )
        if self.origin is not None and self.step is None:
            raise InputError(
                f"Column {self.name!r} of the schema has an origin and no step; give the distance "
                "of the grid too, or leave it out."
            )

    @property
    def number(self) -> str:
        """On the line, or on a grid."""
        return "line" if self.step is None else "grid"

    @property
    def classes(self) -> int:
        """How many classes it has."""
        return len(self.atoms) + 1

    def _support(self, x):
        """From the support to the reals, and the logarithm of the slope."""
        return x, np.zeros(len(x))

    def _value(self, s):
        return s

    def _index(self, x):
        return np.round(self._steps(x))

    def _steps(self, x):
        return (x - (self.origin or 0.0)) / self.step

    def _place(self, steps):
        return (self.origin or 0.0) + steps * self.step

    def on_grid(self, x: np.ndarray) -> np.ndarray:
        """Whether numbers ``[n]`` are ones of the grid, to what float64 tells."""
        return on_grid(x, self.step, self.origin or 0.0)

    def exact(self, x):
        """Numbers ``[n]``, rounded atoms and numbers of the grid as what they stand for."""
        x = np.array(x, np.float64)
        if self.step is not None:
            return np.where(self.on_grid(x), self._place(self._index(x)), x)
        for atom in self.atoms:
            x[x == np.float32(atom)] = atom
        return x

    def impossible(self, values):
        """Which values are neither atoms, nor within the bounds and ones of the grid."""
        x = self.exact(self.numeric(values))
        return ~np.isin(x, self.atoms) & ~self._inside(x)

    def _inside(self, x):
        if self.step is None:
            return (x > self.low) & (x < self.high)
        index, ends = self._index(x), self._ends()
        return self.on_grid(x) & (index >= ends[0]) & (index <= ends[1])

    def _ends(self) -> tuple[float, float]:
        """The first and the last step within the bounds."""
        low, high = self._steps(np.array([self.low, self.high]))
        return float(np.ceil(low - _BACK)), float(np.floor(high + _BACK))

    def fit(self, values):
        """Learns knots, and edges of a grid."""
        x = self.exact(values)
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
        places = self._place(index[order] + spread)
        # Half of the interval of a bound is outside: folded back, and off the bound itself.
        places = np.where(places < self.low, 2 * self.low - places, places)
        places = np.where(places > self.high, 2 * self.high - places, places)
        places = np.clip(places, self.low + 1e-3 * self.step, self.high - 1e-3 * self.step)
        self.marginal = Marginal.fit(self._support(places)[0])
        self._list_edges(int(index.min()), int(index.max()))

    def _list_edges(self, first: int, last: int) -> None:
        far = self._steps(self._value(self.marginal.inverse(np.array([-5.0, 5.0]))))
        ends = self._ends()
        first = int(max(min(first, np.floor(far[0])), ends[0], first - _MOST_EDGES))
        last = int(min(max(last, np.ceil(far[1])), ends[1], last + _MOST_EDGES))
        self.first, self.last, self.edges = first, last, None
        if last - first < _MOST_EDGES:
            inner = self._edge_latents(self._place(np.arange(first, last) + 0.5))
            # As rising as float32 can tell.
            inner = np.maximum.accumulate(inner)
            self.edges = [-OPEN, *inner.tolist(), OPEN]

    def grid(self):
        """Edges of the grid, if there are few enough."""
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
        index = np.where(self.on_grid(x), self._index(x), np.floor(self._steps(x) + 1e-6))
        z = self._edge_latents(self._place(index + 0.5))
        if self.edges is None:
            return z
        return np.where(index < self.first, -OPEN, np.where(index >= self.last, OPEN, z))

    def encode(self, values):
        """Cells of values."""
        x = self.exact(values)
        cells, log_det = np.zeros([len(x), 4]), np.zeros(len(x))
        cells[:, 3], cells[:, 0] = 1, len(self.atoms)
        for code, atom in enumerate(self.atoms):
            cells[x == atom, 0] = code
        is_number = cells[:, 0] == len(self.atoms)
        impossible = is_number & ~self._inside(x)
        usable = is_number & ~impossible
        if self.step is None:
            s, slope = self._support(x[usable])
            z, more = self.marginal.forward(s)
            cells[usable, 1] = cells[usable, 2] = np.clip(z, -OPEN, OPEN)
            log_det[usable] = slope + more
        else:
            index = self._index(x[usable])
            low, high = (self._edge_latents(self._place(index + d)) for d in (-0.5, 0.5))
            if self.edges is not None:
                low, high = (
                    np.where(index <= self.first, -OPEN, low),
                    np.where(index >= self.last, OPEN, high),
                )
            cells[usable, 1], cells[usable, 2], log_share = _widened(low, high)
            log_det[usable] = log_share - math.log(self.step)
        return Coded(cells, log_det, impossible)

    def decode(self, cells):
        """Values of cells."""
        z = (np.clip(cells[:, 1], -_NEAR, _NEAR) + np.clip(cells[:, 2], -_NEAR, _NEAR)) / 2
        x = self._value(self.marginal.inverse(z.astype(np.float64)))
        if self.step is not None:
            ends = self._ends() if self.edges is None else (self.first, self.last)
            x = self._rounded(np.clip(self._index(x), *ends))
        else:
            x = np.clip(x, np.nextafter(self.low, np.inf), np.nextafter(self.high, -np.inf))
        codes = np.round(cells[:, 0]).astype(int)
        for code, atom in enumerate(self.atoms):
            x[codes == code] = atom
        return x

    @property
    def remedy(self):
        """What to do where values contradict it."""
        if self.step is not None:
            return f"change its type or {'step' if 'step' in self.shown else 'bounds'}"
        return "change its type or bounds, or give such values as atoms"

    def suggestion(self, values):
        """The nearest number that is possible, or the bound that is not to be reached."""
        try:
            x = np.asarray(self.numeric(values), np.float64)[:1]
        except (TypeError, ValueError):
            x = np.array([np.nan])
        if not np.isfinite(x).all():
            return ""
        if self.step is not None:
            near = self._rounded(np.clip(self._index(x), *self._ends()))
            return f"; nearest: {self._told(near)}"
        bound, side = (self.low, "above ") if x[0] <= self.low else (self.high, "below ")
        return f"; nearest: {'' if bound in self.atoms else side}{short(float(bound))}"

    def _told(self, numbers):
        return as_python(numbers[0])

    def _rounded(self, index):
        x, decimals = self._place(index), decimals_of([self.step, self.origin or 0.0])
        if decimals == 0:
            return np.round(x).astype(np.int64)
        return x if decimals is None else np.round(x, decimals)


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
    shown: ClassVar[tuple[str, ...]] = ("low", "high", "step", "origin", "atoms")

    def __post_init__(self):
        super().__post_init__()
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
