"""Columns of dates and times: numbers of seconds that are read from text and written as it."""

import dataclasses
import datetime
import re
import warnings
from typing import ClassVar

import numpy as np

from tfp_flows.tables.circles import Angle
from tfp_flows.tables.numbers import Real

ISO = "%Y-%m-%d %H:%M:%S"
_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = 86_400.0
MONTH = 2_629_746.0
"""Seconds of a month of the calendar on average, the distance of months in numbers."""
_FRACTION = re.compile(r"\.(\d+)")
_WORDS = ("now", "today")


def seconds(values, form: str) -> np.ndarray:
    """Seconds since 1970 of texts, or of NumPy's dates, ``[n]``; not a number where unreadable.

    Moments of other zones are taken in UTC if they are no text, or the form has ``%z``. Months, of
    a form without days, are `MONTH` apart.
    """
    import pandas as pd

    array = np.asarray(values)
    if array.dtype.kind != "M":
        zoned = "%z" in form or _are_zoned(array)
        # pandas takes words for the moment at which it reads them, whatever the format.
        array = np.array([_readable(value) for value in array], object)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            column = pd.Series(array, dtype=object)
            form = None if _are_zoned(array) else form
            parsed = pd.to_datetime(column, format=form, errors="coerce", utc=zoned)
        if getattr(parsed.dt, "tz", None) is not None:
            parsed = parsed.dt.tz_localize(None)
        array = parsed.to_numpy()
    whole = array.astype("datetime64[us]")
    result = whole.astype(np.int64) / 1e6
    if of_months(form):
        result = whole.astype("datetime64[M]").astype(np.int64) * MONTH
    return np.where(np.isnat(whole), np.nan, result)


def of_months(form: str | None) -> bool:
    """Whether a form has months without days."""
    return form is not None and "%d" not in form and any(m in form for m in ("%m", "%b", "%B"))


def _are_zoned(array: np.ndarray) -> bool:
    """Whether moments are no text and have a zone."""
    first = array[0] if array.dtype == object and len(array) else None
    return isinstance(first, datetime.datetime) and first.tzinfo is not None


def _readable(value):
    """As pandas reads it by a format: it knows no strings but Python's."""
    return None if _is_word(value) else str(value) if isinstance(value, str) else value


def _is_word(value) -> bool:
    return isinstance(value, str) and value.strip().lower() in _WORDS


def written(moments: np.ndarray, form: str, digits: int | None = None) -> np.ndarray:
    """Texts of seconds since 1970; of fractions so many digits, 6 by default."""
    if of_months(form):
        months = np.round(np.asarray(moments) / MONTH).astype(np.int64)
        moments = months.astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)
    far = np.clip(moments, -62_135_596_800.0, 253_402_300_799.0)
    before, fraction, after = form.replace("%z", "+00:00").partition("%f")
    texts = []
    for second in far:
        moment = _EPOCH + datetime.timedelta(seconds=float(second))
        text = moment.strftime(before)
        if fraction:
            text += moment.strftime("%f")[:digits] + moment.strftime(after)
        texts.append(text)
    return np.array(texts, object)


def unit_of(values, form: str) -> dict[str, float | int | None]:
    """Arguments of a `Date`: the longest usual unit of which all moments are multiples.

    Fractions of a second have none, as a network cannot tell so many of them apart: they have a
    density, and digits.
    """
    if of_months(form):
        return {"step": MONTH}
    moments = seconds(values, form)
    moments = moments[np.isfinite(moments)]
    for step in (_DAY, 3600.0, 60.0, 1.0):
        if np.all(np.mod(moments, step) == 0) and "%f" not in form:
            return {"step": step}
    found = [_FRACTION.search(str(value)) for value in values]
    digits = [own.group(1) for own in found if own is not None]
    if np.asarray(values).dtype.kind == "M":
        digits = [text.rstrip("0").ljust(3, "0") for text in digits]
    return {"step": None, "digits": min(max(map(len, digits), default=6), 6)}


@dataclasses.dataclass(kw_only=True)
class Date(Real):
    """Dates, with times or without: each unit of time has a probability.

    Attributes:
        form: Format, as `strftime` takes it.
        step: The unit, in seconds; without one they have a density per second.
        digits: Of fractions of a second, where a text has them; 6 by default.
    """

    type: ClassVar[str] = "date"
    shown: ClassVar[tuple[str, ...]] = ("form", "step", "digits")

    form: str = ISO
    step: float | None = _DAY
    digits: int | None = None

    def fit(self, values):
        """Learns knots, and edges of a grid."""
        super().fit(self.numeric(values))

    def encode(self, values):
        """Cells of values."""
        coded = super().encode(self.numeric(values))
        if self.step is None:
            return coded
        return coded._replace(log_det=np.zeros(len(coded.log_det)))

    def decode(self, cells):
        """Values of cells."""
        return written(super().decode(cells), self.form, self.digits)

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
