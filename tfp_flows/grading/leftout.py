"""What of a file was not run, with its lines: for teachers who look at the file beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tfp_flows.grading.plan import Plan, Source

_UNUSED = "not used by what is graded"
_NO_PYTHON = "is no Python"
_MOST_LINES = 40


class _Stretch(NamedTuple):
    place: str
    line: int
    last: int
    reason: str

    def __str__(self) -> str:
        lines = f"line {self.line}"
        if self.last > self.line:
            lines = f"lines {self.line} to {self.last}"
        where = f"{self.place}, {lines}" if self.place else lines
        return f"{where}: {self.reason}"


def left_out(source: Source, plans: Iterable[Plan]) -> tuple[str, ...]:
    """Lines that no plan runs, a sentence a stretch; at most 40 and how many more there are.

    Args:
        source: The file.
        plans: What was run for each item.
    """
    run = frozenset().union(*(plan.indices for plan in plans))
    found = [*map(str, _joined(_in_order(source, run)))]
    more = len(found) - _MOST_LINES
    return (*found[:_MOST_LINES], f"{more} more") if more > 0 else tuple(found)


def _in_order(source: Source, run: frozenset[int]) -> Iterator[_Stretch | None]:
    """Stretches in the order of the file, None where something is run between them."""
    skipped: dict[int, list[Mapping[str, Any]]] = {}
    for part in source.skipped:
        skipped.setdefault(part["before"], []).append(part)
    for index in range(len(source.statements) + 1):
        for part in skipped.get(index, ()):
            yield _of(part, part["reason"])
        if index < len(source.statements):
            yield None if index in run else _of(source.statements[index], _UNUSED)
    yield None
    for part in source.broken:
        yield _of(part, _NO_PYTHON)


def _of(part: Mapping[str, Any], reason: str) -> _Stretch:
    return _Stretch(part["place"], part["line"], max(part["line"], part["last"]), reason)


def _joined(stretches: Iterable[_Stretch | None]) -> Sequence[_Stretch]:
    found: list[_Stretch] = []
    goes_on = False
    for part in stretches:
        last = found[-1] if goes_on and part and found else None
        if last and (last.place, last.reason) == (part.place, part.reason):
            found[-1] = last._replace(last=max(last.last, part.last))
        elif part:
            found.append(part)
        goes_on = part is not None
    return found
