"""Columns of dates and times: numbers of seconds that are read from text and written as it."""

import dataclasses
import datetime
import warnings
from typing import ClassVar

import numpy as np

from tfp_flows.tables.circles import Angle
from tfp_flows.tables.numbers import Real

DATES = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%Y%m%d",
)
"""Formats of dates that are tried, in this order."""

TIMES = ("%H:%M", "%H:%M:%S")
"""Formats of times of a day."""

ISO = "%Y-%m-%d %H:%M:%S"
_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = 86_400.0
_WORDS = ("now", "today")


def seconds(values, form: str) -> np.ndarray:
    """Seconds since 1970 of texts, or of NumPy's dates, ``[n]``; not a number where unreadable."""
    import pandas as pd

    array = np.asarray(values)
    if array.dtype.kind != "M":
        # pandas takes words for the moment at which it reads them, whatever the format.
        array = np.array([_readable(value) for value in array], object)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = pd.to_datetime(pd.Series(array, dtype=object), format=form, errors="coerce")
        if getattr(parsed.dt, "tz", None) is not None:
            parsed = parsed.dt.tz_localize(None)
        array = parsed.to_numpy()
    whole = array.astype("datetime64[us]")
    result = whole.astype(np.int64) / 1e6
    return np.where(np.isnat(whole), np.nan, result)


def _readable(value):
    """As pandas reads it by a format: it knows no strings but Python's."""
    return None if _is_word(value) else str(value) if isinstance(value, str) else value


def _is_word(value) -> bool:
    return isinstance(value, str) and value.strip().lower() in _WORDS


def written(moments: np.ndarray, form: str) -> np.ndarray:
    """Texts of seconds since 1970."""
    far = np.clip(moments, -62_135_596_800.0, 253_402_300_799.0)
    texts = [(_EPOCH + datetime.timedelta(seconds=float(s))).strftime(form) for s in far]
    return np.array(texts, object)


def resolution(values: np.ndarray) -> float:
    """The longest usual unit in seconds of which all moments are multiples; 1e-6 at least."""
    for step in (_DAY, 3600.0, 60.0, 1.0):
        if np.all(np.mod(values, step) == 0):
            return step
    return 1e-6


@dataclasses.dataclass(kw_only=True)
class Date(Real):
    """Dates, with times or without: each unit of time has a probability.

    Attributes:
        form: Format, as `strftime` takes it.
        step: The unit, in seconds.
    """

    type: ClassVar[str] = "date"
    shown: ClassVar[tuple[str, ...]] = ("form", "step")

    form: str = ISO
    step: float | None = _DAY

    def fit(self, values):
        """Learns knots, and edges of a grid."""
        super().fit(self.numeric(values))

    def encode(self, values):
        """Cells of values."""
        coded = super().encode(self.numeric(values))
        return coded._replace(log_det=np.zeros(len(coded.log_det)))

    def decode(self, cells):
        """Values of cells."""
        return written(super().decode(cells), self.form)

    def numeric(self, values):
        """Numbers that stand for values."""
        return seconds(values, self.form)

    @property
    def remedy(self):
        """What to do where values contradict it."""
        return "change its form, step or type"

    def _told(self, numbers):
        return written(numbers, self.form)[0]


@dataclasses.dataclass(kw_only=True)
class Time(Angle):
    """Times of a day, on the circle of its seconds.

    Attributes:
        form: Format, as `strftime` takes it.
    """

    type: ClassVar[str] = "time"
    shown: ClassVar[tuple[str, ...]] = ("form", "step")

    form: str = "%H:%M"
    period: float = _DAY
    step: float | None = 60.0

    def encode(self, values):
        """Cells of values."""
        return super().encode(self.numeric(values))

    def decode(self, cells):
        """Values of cells."""
        return written(super().decode(cells), self.form)

    def numeric(self, values):
        """Numbers that stand for values."""
        return np.mod(seconds(values, self.form), _DAY)

    @property
    def remedy(self):
        """What to do where values contradict it."""
        return "change its form, step or type"


def format_of(texts: list[str]) -> tuple[str, str] | None:
    """``("date" or "time", format)`` under which all texts can be read, or None."""
    sample = texts[:: max(1, len(texts) // 200)]
    if not all(any(c.isdigit() for c in text) and len(text) >= 4 for text in sample):
        return None
    for kind, forms in (("date", DATES), ("time", TIMES)):
        for form in forms:
            if np.isfinite(seconds(sample, form)).all() and np.isfinite(seconds(texts, form)).all():
                return kind, form
    return None
