"""What a column of a table may be: its values, how they become cells, and cells become values.

A column of a `Schema` is data; what the data have taught it (knots, shares) stands beside.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

OPEN = 40.0
"""The edge of an interval that has none; that of `tfp_flows.bijectors.Cells`."""


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

    def shares(self, values: np.ndarray, weights: np.ndarray | None = None) -> list[float] | None:
        """Probabilities of its classes among values, with half a row more of each.

        Args:
            values: ``[n]``, without gaps.
            weights: ``[n]``, about 1 on average.
        """
        if self.classes == 1:
            return None
        codes = self.encode(values).cells[:, 0].astype(int)
        counts = np.bincount(codes, weights, minlength=self.classes)
        return ((counts + 0.5) / (counts + 0.5).sum()).tolist()

    def encode(self, values: np.ndarray) -> Coded:
        """Cells of values ``[n]`` without gaps."""
        raise NotImplementedError

    def decode(self, cells: np.ndarray) -> np.ndarray:
        """Values of cells ``[n, 4]``."""
        raise NotImplementedError

    def exact(self, x: np.ndarray) -> np.ndarray:
        """Numbers ``[n]`` without the rounding that hides what they are."""
        return x

    def impossible(self, values: np.ndarray) -> np.ndarray:
        """Which values ``[n]`` cannot be ones of this column, fitted or not."""
        return np.zeros(len(values), bool)

    def contradicting(self, values: np.ndarray) -> np.ndarray:
        """Which values ``[n]`` of a table speak against what was decided of this column."""
        return self.impossible(values)

    @property
    def remedy(self) -> str:
        """What to do where values contradict it."""
        return "change its type"

    def numeric(self, values: np.ndarray) -> np.ndarray:
        """Numbers that stand for values in measures and pictures."""
        return np.asarray(values, np.float64)

    def describe(self) -> str:
        """The type and its arguments, for a reader."""
        given = [
            f"{n}={short(getattr(self, n))}"
            for n in self.shown
            if getattr(self, n) not in (None, [])
        ]
        return f"{self.type}({', '.join(given)})" if given else self.type

    def suggestion(self, values: np.ndarray) -> str:
        """What a value that is impossible could have been."""
        return ""

    def spec(self) -> dict[str, Any]:
        """What a schema file says of it."""
        return {n: getattr(self, n) for n in self.shown if getattr(self, n) not in (None, [])}


def short(value: Any) -> str:
    """A value for a reader, of a long list its beginning."""
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
        """It has no density."""
        return False

    @property
    def remedy(self):
        """What to do where values contradict it."""
        return "change its value or type"

    def impossible(self, values):
        """Which values are others."""
        values = np.asarray(values)
        if values.dtype.kind == "M":
            try:
                return values.astype("datetime64[us]") != np.datetime64(str(self.value), "us")
            except ValueError:
                return np.ones(len(values), bool)
        return codes_of([self.value], values) < 0

    def decode(self, cells):
        """Values of cells."""
        return np.full(len(cells), self.value)


@dataclasses.dataclass(kw_only=True)
class LeftOut(Column):
    """A column of which nothing can be learned, such as an identifier; samples do not have it."""

    type: ClassVar[str] = "left_out"

    @property
    def modelled(self) -> bool:
        """It has no density."""
        return False


def codes_of(known: Sequence[Any], values: np.ndarray) -> np.ndarray:
    """Places ``[n]`` of values among those that are known; -1 where one is none of them.

    In another file a text may come as a number, a truth value as a text, a number as a float32.
    """
    place: dict[Any, int] = {}
    with np.errstate(over="ignore"):
        for code, value in enumerate(known):
            if isinstance(value, float):
                place.setdefault(float(np.float32(value)), code)
    place |= {_text(value): code for code, value in enumerate(known)}
    place |= {value: code for code, value in enumerate(known)}
    given = np.asarray(values).tolist()
    return np.array([place.get(v, place.get(_text(v), -1)) for v in given], np.int64)


def _text(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def listed(values: Sequence[Any]) -> list:
    """Values as plain Python, sorted where they can be."""
    plain = [as_python(v) for v in values]
    return sorted(plain, key=lambda v: (isinstance(v, str), v))


def as_python(value: Any) -> Any:
    """A number of NumPy as one of Python, anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
