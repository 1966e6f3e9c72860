"""Forms of dates and times, and which of them texts are written in."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
_ISO_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.000", "%H:%M:%S.000000", "%H:%M:%S.%f")
_ISO_DAYS = ("%Y-%m-%d", "%Y/%m/%d")
# Texts that can be read in two forms of a line are dates of neither, unless both are the same.
_DAYS = (
    ("%d.%m.%Y",),
    ("%m/%d/%Y", "%d/%m/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%d.%m.%y",),
    ("%m/%d/%y", "%d/%m/%y"),
    ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    ("%d-%b-%Y",),
    ("%d %b %Y",),
    ("%d %B %Y",),
    ("%b %d, %Y",),
    ("%B %d, %Y",),
    ("%d-%b-%y",),
)
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%Y")
_PATTERNS = {
    "%Y": r"\d{4}",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]{3,9}",
    "%p": r"[AaPp][Mm]",
    "%f": r"\d{1,6}",
    "%z": r"[+-]\d\d:?\d\d",
    "%y": r"\d\d",
}
_SHIFT = re.compile(r"[+-]\d\d:?\d\d$")
_SAMPLE = 200


class Found(NamedTuple):
    """What texts are.

    Attributes:
        kind: ``"date"``, ``"time"``, or ``"unclear"`` where a day and a month cannot be told apart.
        form: As `strptime` takes it; of what is unclear, the forms that are possible.
    """

    kind: str
    form: str


def form_of(texts: Sequence[str], seconds: Callable) -> Found | None:
    """The form in which all texts are dates or times.

    Args:
        texts: ``[n]``.
        seconds: From texts and a form to seconds ``[n]``, not a number where unreadable.

    Returns:
        What was found; None if no form reads all texts.
    """
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    if not all(any(c.isdigit() for c in text) and len(text) >= 4 for text in sample):
        return None

    def read(form: str) -> np.ndarray | None:
        pattern = re.compile(_pattern(form))
        if not all(pattern.fullmatch(text) for text in sample):
            return None
        if not np.isfinite(seconds(sample, form)).all():
            return None
        found = seconds(texts, form)
        return found if np.isfinite(found).all() else None

    for kind, alike in _alternatives(texts):
        readings = {form: found for form in alike if (found := read(form)) is not None}
        if readings:
            first = next(iter(readings.values()))
            if all(np.array_equal(first, other) for other in readings.values()):
                return Found(kind, next(iter(readings)))
            return Found("unclear", " or ".join(readings))
    return None


def _alternatives(texts: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Kinds and forms, those together that could be mistaken for each other."""
    for day in _ISO_DAYS:
        yield "date", [day]
        clocks = itertools.product(" T", _ISO_CLOCKS, _zones(texts))
        yield from (("date", [f"{day}{mark}{clock}{zone}"]) for mark, clock, zone in clocks)
    yield "date", ["%Y%m%d"]
    for days in _DAYS:
        yield "date", list(days)
        yield from (("date", [f"{day} {clock}" for day in days]) for clock in _CLOCKS)
    yield from (("date", [month]) for month in _MONTHS)
    yield from (("time", [clock]) for clock in _CLOCKS)


def _zones(texts: Sequence[str]) -> tuple[str, ...]:
    """Ends of texts: none, Z, the shift that all have, or that of each."""
    found = _SHIFT.search(texts[0])
    if found is None:
        return ("", "Z")
    same = all(text.endswith(found.group()) for text in texts)
    return (found.group() if same else "%z",)


def _pattern(form: str) -> str:
    """The regular expression of a form."""
    parts = re.split(r"(%[A-Za-z])", form)
    return "".join(
        _PATTERNS.get(part, r"\d{1,2}") if part.startswith("%") else re.escape(part)
        for part in parts
    )
