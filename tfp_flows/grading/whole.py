"""Judges the pieces of a submission together, after each has been judged on its own."""

import dataclasses
from collections.abc import Collection
from typing import NamedTuple

from tfp_flows.grading.attempt import Attempt
from tfp_flows.grading.items import Run
from tfp_flows.grading.pool import KERAS
from tfp_flows.grading.results import ItemResult, Status
from tfp_flows.grading.rubric import Item

# Kinds of findings of the check: pieces that do not work together, and a provided name that does
# not do what it should.
APART, PROVIDED = "apart", "provided"
_LEAST_SECONDS = 2.0


class Provided(NamedTuple):
    """What a submission holds of the provided parts.

    Attributes:
        missing: Names that it does not define.
        changed: Names that do not do what they should.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Together:
    """All pieces of one submission, put together.

    As items do, they have a try that may be shown, and one beside the reference that comes after
    all shown tries.

    Args:
        run: The grading of its items.
    """

    def __init__(self, run: Run):
        self._run = run
        self._missing = tuple(n for n in run.rubric.provided if not run.source.binds(n))
        self._item: Item | None = None
        self._attempt: Attempt | None = None

    def show(self, items: Collection[Item]) -> None:
        """Makes the try that may be shown; items have had theirs."""
        rubric, source = self._run.rubric, self._run.source
        whole = rubric.whole
        if whole is None or not {item.id for item in items} & set(whole.shares):
            return
        if not all(map(source.binds, whole.pieces)):
            return
        own = all(source.binds(name) for name in whole.model)
        root = whole.model[0] if own else whole.root
        known = [name for name in (*whole.pieces, *rubric.provided) if source.binds(name)]
        self._item = Item(root, root, 1.0, whole.check, {}, {"with": known, "model": own})
        if not self._run.attempts.guarded(self._item):
            self._attempt = self._try(())
        if self.needs_reference:
            # Which of the others are wrong will be asked.
            self._run.show([item for item in rubric.items if item not in items])

    @property
    def needs_reference(self) -> bool:
        """Whether `judge` may make a try beside the reference."""
        return self._attempt is not None and _is_apart(self._attempt)

    def judge(self, results: tuple[ItemResult, ...]) -> tuple[tuple[ItemResult, ...], Provided]:
        """Takes the rubric's shares from items whose pieces do not work together.

        Items that were judged wrong on their own are the reference's here where that is needed, so
        that no fault costs points twice.

        Returns:
            The results, and what there is of the provided parts.
        """
        attempt = self._beside_reference(results) if self.needs_reference else self._attempt
        if attempt is None:
            return results, Provided(self._missing)
        changed = [finding.message for finding in attempt.findings if finding.kind == PROVIDED]
        faults = [finding.message for finding in attempt.findings if finding.kind != PROVIDED]
        if faults:
            shares = self._run.rubric.whole.shares
            results = tuple(
                _less(result, shares.get(result.id, 0.0), faults[0]) for result in results
            )
        return results, Provided(self._missing, tuple(changed))

    def _beside_reference(self, results: Collection[ItemResult]) -> Attempt | None:
        """The attempt that counts; None where there is nothing to be judged, or no time."""
        run = self._run
        if {result.id for result in results} != set(run.rubric.graded):
            results = run.finish(run.rubric.items)
        wrong = {result.id for result in results if result.status is not Status.passed}
        if not wrong:
            return self._attempt
        due = wrong.intersection(self._item.settings["with"])
        names = run.attempts.stand_ins.wanted(self._item, run.attempts.plan(self._item, wrong), due)
        return self._try(wrong) if due <= set(names) else None

    def _try(self, replaced: Collection[str]) -> Attempt | None:
        run = self._run
        left = run.limits.total_seconds - run.spent
        if left < _LEAST_SECONDS:
            return None
        keras = run.keras_so_far() or KERAS[0]
        attempt = run.attempts.attempt(self._item, keras, min(left, run.limits.seconds), replaced)
        run.spent += attempt.seconds
        if not attempt.guarded:
            run.peak = max(run.peak, attempt.peak)
        return attempt


def _is_apart(attempt: Attempt) -> bool:
    return any(finding.kind != PROVIDED for finding in attempt.findings)


def _less(result: ItemResult, share: float, fault: str) -> ItemResult:
    if not share:
        return result
    points = round(max(0.0, result.points - share * result.maximum), 6)
    status = result.status
    if status is Status.passed:
        status = Status.partial
    said = "" if result.message == "Right." else f"{result.message} "
    message = f"{said}Put together, all of your pieces do not work: {fault}"
    return dataclasses.replace(result, points=points, status=status, message=message)
