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


def judge(run: Run, results: tuple[ItemResult, ...]) -> tuple[tuple[ItemResult, ...], Provided]:
    """Takes the rubric's shares from items whose pieces do not work together.

    Items that were judged wrong on their own are the reference's here where that is needed, so
    that no fault costs points twice.

    Returns:
        The results, and what there is of the provided parts.
    """
    rubric, source = run.rubric, run.source
    missing = tuple(name for name in rubric.provided if not source.binds(name))
    whole = rubric.whole
    if whole is None or not {result.id for result in results} & set(whole.shares):
        return results, Provided(missing)
    own = all(source.binds(name) for name in whole.model)
    root = whole.model[0] if own else whole.root
    if not all(map(source.binds, whole.pieces)):
        return results, Provided(missing)
    known = [name for name in (*whole.pieces, *rubric.provided) if source.binds(name)]
    item = Item(root, root, 1.0, whole.check, {}, {"with": known, "model": own})
    attempt = _attempt(run, item, results)
    if attempt is None:
        return results, Provided(missing)
    changed = [finding.message for finding in attempt.findings if finding.kind == PROVIDED]
    faults = [finding.message for finding in attempt.findings if finding.kind != PROVIDED]
    if faults:
        results = tuple(
            _less(result, whole.shares.get(result.id, 0.0), faults[0]) for result in results
        )
    return results, Provided(missing, tuple(changed))


def _attempt(run: Run, item: Item, results: Collection[ItemResult]) -> Attempt | None:
    """The attempt that counts; None where there is nothing to be judged, or no time."""
    keras = run.keras(results) or KERAS[0]
    attempt = _try(run, item, keras, ())
    if attempt is None or not _is_apart(attempt):
        return attempt
    if {result.id for result in results} != set(run.rubric.graded):
        results = run.grade(run.rubric.items)
    wrong = {result.id for result in results if result.status is not Status.passed}
    if not wrong:
        return attempt
    if item.id in wrong:
        return None
    return _try(run, item, keras, wrong)


def _try(run: Run, item: Item, keras: str, replaced: Collection[str]) -> Attempt | None:
    left = run.limits.total_seconds - run.spent
    if left < _LEAST_SECONDS:
        return None
    attempt = run.attempts.attempt(item, keras, min(left, run.limits.seconds), replaced)
    run.spent += attempt.seconds
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
