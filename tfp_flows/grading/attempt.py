"""One attempt at one item: a fresh process, the item's statements, its check."""

import dataclasses
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.grading.plan import Plan, Source
from tfp_flows.grading.pool import Pool
from tfp_flows.grading.process import Ended, Failure, Process
from tfp_flows.grading.rubric import Item, Rubric
from tfp_flows.grading.trial import Finding, Trial

_NONSENSE = "It wrote to the grader's own connection instead of returning a value."
_UNREADABLE = "What came back from its process cannot be read as a result."
# What reading a reply may raise that is not as the probe makes it.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What came of it.

    Attributes:
        score: Share of the item's points, from 0 to 1.
        findings: What is wrong.
        raised: Whether it ended in an error, a crash or a timeout.
        timed_out: Whether it was a timeout.
        keras: The Keras of the process.
        isolation: Walls around it.
        output: What was printed.
        peak: Bytes of memory that were in use.
    """

    score: float
    findings: tuple[Finding, ...]
    raised: bool = False
    timed_out: bool = False
    keras: str = ""
    isolation: tuple[str, ...] = ()
    output: str = ""
    peak: int = 0


class Attempts:
    """Tries the items of one submission.

    Args:
        pool: Starts the processes.
        rubric: The assignment.
        source: The submission.
        reference: The reference solution.
    """

    def __init__(self, pool: Pool, rubric: Rubric, source: Source, reference: Source):
        self._pool, self._rubric = pool, rubric
        self._source, self._reference = source, reference

    def plan(self, item: Item, replaced: Collection[str] = ()) -> Plan:
        """The statements of the submission that an item needs."""
        return self._source.plan([item.id], replaced)

    def dependencies(self, item: Item) -> set[str]:
        """Other graded or provided names that the submission's item uses."""
        known = {*self._rubric.graded, *self._rubric.provided}
        return (set(self.plan(item).uses) & known) - {item.id}

    def attempt(
        self, item: Item, keras: str, seconds: float, replaced: Collection[str] = ()
    ) -> Attempt:
        """Judges an item.

        Args:
            item: The item.
            keras: The Keras to use.
            seconds: Most wall time.
            replaced: Names for which the reference stands in.
        """
        with ExitStack() as stack:
            process = stack.enter_context(self._pool.process(keras, seconds))
            raised, timed_out = False, False
            try:
                reference = self._reference_trial(item, keras, seconds, stack)
                findings = tuple(self._findings(item, process, keras, replaced, reference))
            except Failure as failure:
                raised, findings = True, (Finding("error", explain_failure(failure)),)
            except InputError:
                raise
            except _MALFORMED:
                raised, findings = True, (Finding("error", _UNREADABLE),)
            except Ended as ended:
                raised, timed_out = True, ended.reason == "time"
                findings = (Finding("error", self._explain_ending(ended, seconds)),)
        return Attempt(
            score=score(findings, item),
            findings=findings,
            raised=raised,
            timed_out=timed_out,
            keras=keras,
            isolation=tuple(process.isolation),
            output=process.output,
            peak=process.peak,
        )

    def _findings(
        self,
        item: Item,
        process: Process,
        keras: str,
        replaced: Collection[str],
        reference: Trial | None,
    ) -> Iterator[Finding]:
        failed = self._load(process, self.plan(item, replaced), keras, replaced)
        for failure in failed:
            if item.id in failure["binds"] and failure["kind"] != "import":
                raise _cause(Failure(failure), failed)
        random = np.random.default_rng()
        try:
            yield from item.check(Trial(process, item.id, random, item.settings, reference))
        except Failure as failure:
            raise _cause(failure, failed) from None

    def _load(
        self, process: Process, plan: Plan, keras: str, replaced: Collection[str]
    ) -> list[dict[str, Any]]:
        missing = {name for name in self._rubric.provided if not self._source.binds(name)}
        inject = sorted({*replaced, *missing})
        # Probes may need what is provided, whatever the submission has made of it.
        given = self._reference.plan({*inject, *self._rubric.provided})
        answer, _ = process.request(
            "load",
            keras=keras,
            names=self._at_hand(plan, given),
            probes=self._rubric.probes,
            given=list(given.own),
            inject=[name for name in inject if self._reference.binds(name)],
            own=list(plan.own),
        )
        failed = answer.get("failed")
        return failed if isinstance(failed, list) else []

    def _reference_trial(
        self, item: Item, keras: str, seconds: float, stack: ExitStack
    ) -> Trial | None:
        """The reference in a process of its own, for checks that compare with it."""
        if not getattr(item.check, "needs_reference", False):
            return None
        process = stack.enter_context(self._pool.process(keras, seconds))
        plan = self._reference.plan([item.id])
        process.request(
            "load",
            keras=keras,
            names=self._at_hand(plan),
            probes="",
            given=[],
            inject=[],
            own=list(plan.own),
        )
        return Trial(process, item.id, np.random.default_rng())

    def _at_hand(self, *plans: Plan) -> dict[str, str]:
        """The names at hand that are needed; some are slow to import."""
        needed = {name for plan in plans for s in plan.own for name in s["needs"]}
        return {name: origin for name, origin in self._rubric.names.items() if name in needed}

    def _explain_ending(self, ended: Ended, seconds: float) -> str:
        limits = self._pool.limits
        if ended.reason == "time":
            bound = min(limits.seconds, seconds)
            return f"It had not ended after {bound:.0f} seconds: is there an endless loop?"
        if ended.reason == "memory":
            return f"It used more than {limits.memory / 2**30:.1f} GB of memory."
        if ended.reason == "exit":
            return "It ended its own process (os._exit or similar) instead of returning a value."
        if ended.reason == "signal":
            return f"Its process crashed (signal {ended.code})."
        return _NONSENSE


def _cause(failure: Failure, failed: Collection[dict[str, Any]]) -> Failure:
    """What an error came from, where it is about a name whose own definition failed before."""
    if failure.error == "NameError":
        for earlier in failed:
            if any(f"'{name}'" in failure.text for name in earlier["binds"]):
                cause = Failure(earlier)
                if cause.text != failure.text:
                    return cause
    return failure


def score(findings: Collection[Finding], item: Item) -> float:
    """Share of the points that is left; each kind of finding counts once."""
    kinds = {finding.kind for finding in findings}
    return max(0.0, 1.0 - sum(item.deductions.get(kind, 1.0) for kind in kinds))


_HINTS = {
    "MemoryError": "It asked for more memory than it may use.",
    "ResourceExhaustedError": "It asked for more memory than it may use.",
    "SystemExit": "It called sys.exit or raised SystemExit instead of returning a value.",
    "PermissionError": "It tried something that is not allowed here (files, processes, network).",
    "RecursionError": "It calls itself without an end.",
}


def explain_failure(failure: Failure) -> str:
    """A sentence on an error that the submission raised."""
    place = failure.place
    if failure.line:
        place = f"{place}, line {failure.line}" if place else f"line {failure.line}"
    first = failure.text.strip().partition("\n")[0][:300]
    said = f"{failure.error}: {first}" if first else failure.error
    said = said if said.endswith((".", "!", "?")) else f"{said}."
    hint = _HINTS.get(failure.error)
    where = f" ({place})" if place else ""
    return f"{hint} It says{where} {said}" if hint else f"It raises{where} {said}"
