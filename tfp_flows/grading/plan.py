"""From the statements of a submission, those that a graded name needs."""

import dataclasses
import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tfp_flows.grading.process import Process


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to run for one name.

    Attributes:
        own: Statements, in order.
    """

    own: tuple[Mapping[str, Any], ...]

    @property
    def needs(self) -> frozenset[str]:
        """Names that these read, wherever they come from."""
        return frozenset(name for statement in self.own for name in statement["needs"])

    @property
    def text(self) -> str:
        """The sources, in order."""
        return "\n".join(statement["source"] for statement in self.own)


class Source:
    """A file of code, read but not run.

    Args:
        statements: What `confined.statements.read_statements` found.
        broken: Pieces that are no Python.
    """

    def __init__(
        self, statements: Sequence[Mapping[str, Any]], broken: Sequence[Mapping[str, Any]] = ()
    ):
        self.statements = tuple(statements)
        self.broken = tuple(broken)
        self._binders: dict[str, list[int]] = {}
        for index, statement in enumerate(self.statements):
            for name in statement["binds"]:
                self._binders.setdefault(name, []).append(index)

    def binds(self, name: str) -> bool:
        """Whether some statement binds a name."""
        return name in self._binders

    def is_stub(self, name: str) -> bool:
        """Whether the last definition of a name has nothing in it."""
        return self.binds(name) and bool(self.statements[self._binders[name][-1]]["stub"])

    def nearest(self, name: str) -> str | None:
        """A defined name that could be a misspelling of another one."""
        defined = [n for s in self.statements if s["kind"] == "definition" for n in s["binds"]]
        near = difflib.get_close_matches(name, defined, n=1, cutoff=0.85)
        same = [other for other in defined if other.lower() == name.lower()]
        return (same or near or [None])[0]

    def breakage(self, name: str) -> Mapping[str, Any] | None:
        """The broken piece in which a name is defined."""
        pattern = re.compile(rf"^\s*(?:def|class)\s+{re.escape(name)}\b|^{name}\s*=", re.M)
        return next((piece for piece in self.broken if pattern.search(piece["text"])), None)

    def plan(self, wanted: Collection[str], replaced: Collection[str] = ()) -> Plan:
        """Finds what some names need, wherever in the file it is; the last definition wins.

        Args:
            wanted: The names.
            replaced: Names that something else stands in for.
        """
        taken = {i for i, s in enumerate(self.statements) if s["kind"] == "import"}
        taken = {i for i in taken if not self.statements[i]["binds"]}  # star imports
        waiting, seen = list(wanted), set(replaced)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for index in self._needed(name):
                if index not in taken:
                    taken.add(index)
                    waiting += self.statements[index]["needs"]
        return Plan(tuple(self.statements[index] for index in sorted(taken)))

    def _needed(self, name: str) -> list[int]:
        """The last statement that binds a name anew, and those after it that change it."""
        needed = []
        for index in reversed(self._binders.get(name, [])):
            needed.append(index)
            if not self.statements[index]["changes"]:
                break
        return needed


def read_source(process: Process, data: Any, name: str) -> Source | str:
    """Reads a submission's file, in a confined process.

    Returns:
        Its statements, or a sentence that says why it has none.
    """
    answer, _ = process.request("read", [data], name=name)
    if "refused" in answer:
        return str(answer["refused"])
    return Source(answer["statements"], answer["broken"])
