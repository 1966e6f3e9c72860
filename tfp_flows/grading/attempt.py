"""One attempt at one item: a fresh process, the item's statements, its check."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.grading.explaining import (
    GUARDED,
    UNREADABLE,
    cause,
    explain_ending,
    explain_failure,
    without_numbers,
)
from tfp_flows.grading.plan import Plan, Source
from tfp_flows.grading.pool import Pool
from tfp_flows.grading.process import Ended, Failure, Process
from tfp_flows.grading.replies import Malformed
from tfp_flows.grading.rubric import Item, Rubric
from tfp_flows.grading.standins import StandIns
from tfp_flows.grading.trial import Finding, Reference, Trial, reference_fault


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What came of it.

    Attributes:
        score: Share of the item's points, from 0 to 1.
        findings: What is wrong.
        raised: Whether it ended in an error, a crash or a timeout.
        timed_out: Whether it was a timeout.
        guarded: Whether something of the reference's graded items was in its reach, so that it
            is kept from telling of it.
        keras: The Keras of the process.
        isolation: Walls around it.
        weaker: What is weaker about them than it could be.
        output: What was printed; "" of a guarded one.
        seconds: Wall time that the submission had the process.
        peak: Bytes of memory that were in use.
    """

    score: float
    findings: tuple[Finding, ...]
    raised: bool = False
    timed_out: bool = False
    guarded: bool = False
    keras: str = ""
    isolation: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()
    output: str = ""
    seconds: float = 0.0
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
        self._source = source
        self.stand_ins = StandIns(rubric, source, reference)

    def plan(self, item: Item, replaced: Collection[str] = ()) -> Plan:
        """The statements of the submission that an item needs."""
        return self._source.plan([item.id, *item.settings.get("with", ())], replaced)

    def guarded(self, item: Item, replaced: Collection[str] = ()) -> bool:
        """Whether something of the reference's graded items is there when an item is tried."""
        names = self.stand_ins.wanted(item, self.plan(item, replaced), replaced)
        return self.stand_ins.tell(names)

    def attempt(
        self, item: Item, keras: str, seconds: float, replaced: Collection[str] = ()
    ) -> Attempt:
        """Judges an item.

        Args:
            item: The item.
            keras: The Keras to use.
            seconds: Most wall time.
            replaced: Names for which the reference stands in.

        Raises:
            InputError: The reference or the probes of the rubric do not work.
        """
        plan = self.plan(item, replaced)
        names = self.stand_ins.wanted(item, plan, replaced)
        guarded = self.stand_ins.tell(names)
        raised, timed_out = False, False
        with ExitStack() as stack:
            reference = self._reference(item, keras, stack)
            process = stack.enter_context(self._pool.process(keras, seconds, guarded=guarded))
            self._prepare(process, item.id, keras, plan, self._rubric.probes, names)
            random = np.random.default_rng()
            trial = Trial(process, item.id, random, item.settings, reference, guarded=guarded)
            try:
                findings = tuple(self._findings(item, process, keras, plan, trial))
            except Failure as failure:
                findings = (Finding("error", explain_failure(failure)),)
                raised = True
            except Malformed:
                raised, findings = True, (Finding("error", UNREADABLE),)
            except Ended as ended:
                raised, timed_out = True, ended.reason == "time"
                bounds = self._pool.limits
                findings = (Finding("error", explain_ending(ended, bounds, seconds)),)
            except InputError:
                raise
            except Exception as error:
                if guarded:  # its text may come from the submission
                    raise TypeError(f"a check of {item.id} beside parts of the reference") from None
                raise error
        if guarded:
            findings = tuple(_guarded(finding, raised=raised) for finding in findings)
        return Attempt(
            score=score(findings, item),
            findings=findings,
            raised=raised,
            timed_out=timed_out,
            guarded=guarded,
            keras=keras,
            isolation=tuple(process.isolation),
            weaker=tuple(process.weaker),
            output="" if guarded else process.output,
            seconds=process.seconds,
            peak=process.peak,
        )

    def _findings(
        self, item: Item, process: Process, keras: str, plan: Plan, trial: Trial
    ) -> Iterator[Finding]:
        failed = _load(process, keras, plan)
        for failure in failed:
            if item.id in failure["binds"] and failure["kind"] != "import":
                raise cause(Failure(failure), failed)
        try:
            yield from item.check(trial)
        except Failure as failure:
            raise cause(failure, failed) from None

    def _prepare(
        self,
        process: Process,
        name: str,
        keras: str,
        plan: Plan,
        probes: str,
        stand_ins: Sequence[str],
    ) -> None:
        """Loads what comes before the submission; an error in it is the rubric's."""
        needed = plan.needs.union(*(self.stand_ins.plan(other).needs for other in stand_ins))
        at_hand = {key: origin for key, origin in self._rubric.names.items() if key in needed}
        try:
            process.request(
                "prepare",
                keras=keras,
                names=at_hand,  # not all of them: some are slow to import
                probes=probes,
                stand_ins=self.stand_ins.jobs(stand_ins),
            )
        except (Failure, Ended) as error:
            raise reference_fault(name, error) from None

    def _reference(self, item: Item, keras: str, stack: ExitStack) -> Reference | None:
        """The reference in a process of its own, for checks that compare with it."""
        if not getattr(item.check, "needs_reference", False):
            return None
        process = stack.enter_context(self._pool.reference(keras))
        plan = self.stand_ins.plan(item.id)
        self._prepare(process, item.id, keras, plan, "", ())
        try:
            failed = _load(process, keras, plan)
        except (Failure, Ended, Malformed) as error:
            raise reference_fault(item.id, error) from None
        if failed:
            raise reference_fault(item.id, Failure(failed[0]))
        return Reference(process, item.id)


def _guarded(finding: Finding, *, raised: bool) -> Finding:
    """What may be told of a finding that came up beside the reference: what kind it is.

    Numbers are left out but for lone digits, because the submission may have chosen them: a shape
    can spell a text.
    """
    message = GUARDED if raised else without_numbers(finding.message)
    return dataclasses.replace(finding, message=message)


def _load(process: Process, keras: str, plan: Plan) -> list[dict[str, Any]]:
    """Runs statements; returns what is known of those that failed."""
    answer, _ = process.request("load", keras=keras, own=list(plan.own))
    failed = answer.get("failed")
    if not isinstance(failed, list) or not all(_describes(failure) for failure in failed):
        raise Malformed
    return failed


def _describes(failure: Any) -> bool:
    return (
        isinstance(failure, dict)
        and isinstance(failure.get("binds"), list)
        and all(isinstance(name, str) for name in failure["binds"])
        and isinstance(failure.get("kind"), str)
    )


def score(findings: Collection[Finding], item: Item) -> float:
    """Share of the points that is left; each kind of finding counts once."""
    kinds = {finding.kind for finding in findings}
    return max(0.0, 1.0 - sum(item.deductions.get(kind, 1.0) for kind in kinds))
