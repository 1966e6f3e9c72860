"""From the statements of a submission, those that a graded name needs."""

import builtins
import dataclasses
import difflib
import functools
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tfp_flows.grading.process import Process

# This is the grader's own process: beyond these bounds, which no honest file comes near, it does
# less, so that no text can keep it busy.
_MOST_STATEMENTS = 20_000
_MOST_NAMES = 200_000
_MOST_STEPS = 50_000
_MOST_COMPARED = 300
_TOO_MUCH = "The file holds more code than can be graded: hand in the assignment alone."


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to run for one name.

    Attributes:
        own: Statements, in order.
        indices: Their places in the file.
    """

    own: tuple[Mapping[str, Any], ...]
    indices: frozenset[int] = frozenset()

    @functools.cached_property
    def needs(self) -> frozenset[str]:
        """Names that these read, wherever they come from."""
        return frozenset(name for statement in self.own for name in statement["needs"])

    @functools.cached_property
    def text(self) -> str:
        """The sources, in order."""
        return "\n".join(statement["source"] for statement in self.own)


class Source:
    """A file of code, read but not run.

    Args:
        statements: What `confined.statements.read_statements` found.
        broken: Pieces that are no Python.
        skipped: Pieces that are never run.
    """

    def __init__(
        self,
        statements: Sequence[Mapping[str, Any]],
        broken: Sequence[Mapping[str, Any]] = (),
        skipped: Sequence[Mapping[str, Any]] = (),
    ):
        self.statements = tuple(statements)
        self.broken = tuple(broken)
        self.skipped = tuple(skipped)
        self._plans: dict[tuple[frozenset[str], frozenset[str]], Plan] = {}
        self._binders: dict[str, list[int]] = {}
        self._definers: dict[str, int] = {}
        self._always: list[int] = []  # star imports
        for index, statement in enumerate(self.statements):
            names = statement["binds"]
            if "*" in names or (statement["kind"] == "import" and not names):
                self._always.append(index)
            for name in {*names, *statement["changes"]}:
                # What is deleted is better there than not, but for what hides Python's own.
                if statement["kind"] != "deletion" or hasattr(builtins, name):
                    self._binders.setdefault(name, []).append(index)
            if statement["kind"] != "deletion":
                self._definers |= dict.fromkeys(names, index)

    def binds(self, name: str) -> bool:
        """Whether some statement binds a name."""
        return name in self._definers

    def is_stub(self, name: str) -> bool:
        """Whether the last definition of a name has nothing in it."""
        return self.binds(name) and bool(self.statements[self._definers[name]]["stub"])

    def nearest(self, name: str) -> str | None:
        """A defined name that could be a misspelling of another one."""
        defined = [n for s in self.statements if s["kind"] == "definition" for n in s["binds"]]
        alike = [n for n in dict.fromkeys(defined) if abs(len(n) - len(name)) <= len(name)]
        alike = alike[-_MOST_COMPARED:]
        near = difflib.get_close_matches(name, alike, n=1, cutoff=0.85)
        same = [other for other in alike if other.lower() == name.lower()]
        return (same or near or [None])[0]

    def breakage(self, name: str) -> Mapping[str, Any] | None:
        """The broken piece in which a name is defined."""
        return next((piece for piece in self.broken if name in piece["defines"]), None)

    def plan(self, wanted: Collection[str], replaced: Collection[str] = ()) -> Plan:
        """Finds what some names need, wherever in the file it is.

        Whatever binds or changes a name that they reach is taken, and runs in the order of the
        file, so that each statement sees what it would see in Python.

        Args:
            wanted: The names, as they are at the end of the file.
            replaced: Names that something else stands in for.
        """
        key = (frozenset(wanted), frozenset(replaced))
        if key not in self._plans:
            taken = self._reached(wanted, key[1])
            own = tuple(self.statements[index] for index in sorted(taken))
            self._plans[key] = Plan(own, frozenset(taken))
        return self._plans[key]

    def _reached(self, wanted: Collection[str], replaced: frozenset[str]) -> set[int]:
        end, steps = len(self.statements), 0
        taken = set(self._always)
        waiting = [(name, end) for name in wanted]
        for index in taken:
            waiting += [(name, index) for name in self.statements[index]["reads"]]
        names: set[tuple[str, int]] = set()
        seen: set[tuple[int, int]] = set()
        while waiting:
            name, place = waiting.pop()
            if name in replaced or (name, place) in names:
                continue
            names.add((name, place))
            steps += 1
            for index in self._needed(name, place):
                steps += 1
                taken.add(index)
                if (index, place) in seen:
                    continue
                seen.add((index, place))
                statement = self.statements[index]
                waiting += [(other, index) for other in statement["reads"]]
                # A function may be called at once by what asks for it, or at the end.
                waiting += [(other, place) for other in statement["later"]]
                waiting += [(other, end) for other in statement["later"]]
                steps += len(statement["reads"]) + 2 * len(statement["later"])
            if steps > _MOST_STEPS:
                return self._all_reached(wanted, replaced)
        return taken

    def _all_reached(self, wanted: Collection[str], replaced: frozenset[str]) -> set[int]:
        """The same without regard to the order: each name and statement once."""
        taken, waiting, seen = set(self._always), list(wanted), set(replaced)
        for index in self._always:
            waiting += self.statements[index]["needs"]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for index in self._binders.get(name, ()):
                if index not in taken:
                    taken.add(index)
                    waiting += self.statements[index]["needs"]
        return taken

    def _needed(self, name: str, place: int) -> Iterator[int]:
        """The last statement before a place that binds a name anew, and all that change it then.

        A name that is bound below alone, as in notebooks whose cells were moved, is the last one.
        """
        binders = self._binders.get(name, [])
        stop = bisect_left(binders, place) or len(binders)
        first = stop
        while first > 0:
            first -= 1
            yield binders[first]
            if name not in self.statements[binders[first]]["changes"]:
                break
        for index in binders[stop:]:  # the object may be known by another name by then
            if name not in self.statements[index]["changes"]:
                break
            yield index


def read_source(process: Process, data: Any, name: str) -> Source | str:
    """Reads a submission's file, in a confined process.

    Returns:
        Its statements, or a sentence that says why it has none.
    """
    answer, _ = process.request("read", [data], name=name)
    if "refused" in answer:
        return str(answer["refused"])
    statements = answer["statements"]
    names = sum(len(statement["needs"]) for statement in statements)
    if len(statements) > _MOST_STATEMENTS or names > _MOST_NAMES:
        return _TOO_MUCH
    return Source(statements, answer["broken"], answer["skipped"])
