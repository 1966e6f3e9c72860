"""Grades the items of one submission, each on its own, under the Keras that it needs."""

import dataclasses
import re
import time
from collections.abc import Collection, Mapping

from tfp_flows.grading.attempt import Attempt, Attempts
from tfp_flows.grading.isolation import Limits
from tfp_flows.grading.plan import Source
from tfp_flows.grading.pool import KERAS
from tfp_flows.grading.results import ItemResult, Status
from tfp_flows.grading.rubric import Item, Rubric

_USES_KERAS = re.compile(r"\b(?:tf_)?keras\b|\bConv2D\b|\bModel\b|\blayers\b")
_KERAS_3 = re.compile(r"\bkeras\.ops\b|\bfrom keras\b|(?<!\.)\bimport keras\b|\bops\.split\b")
_TF_KERAS = re.compile(r"\btf_keras\b|\btensorflow\b.*\bkeras\b|\bl2\(\s*l\s*=|tf\.keras\b")


@dataclasses.dataclass
class Run:
    """The grading of one submission, item by item."""

    rubric: Rubric
    limits: Limits
    source: Source
    attempts: Attempts
    isolation: tuple[str, ...] = ()
    output: str = ""
    peak: int = 0
    spent: float = 0.0
    timeouts: int = 0
    kinds: dict[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def grade(self, items: Collection[Item]) -> tuple[ItemResult, ...]:
        """Grades items in an order in which those that others use come first."""
        results: dict[str, ItemResult] = {}
        due = [
            item
            for item in self._ordered()
            if item in items or any(item.id in self._needs(other) for other in items)
        ]
        for number, item in enumerate(due):
            kept = self._share(due) * (len(due) - number - 1)
            results[item.id] = self._item(item, results, kept)
        return tuple(results[item.id] for item in items)

    def _share(self, due: Collection[Item]) -> float:
        """Seconds that each item has to itself, whatever others take."""
        return min(self.limits.seconds, self.limits.total_seconds / (2 * len(due)))

    def keras(self, results: Collection[ItemResult]) -> str:
        """The Keras that the submission needs: that of the items that use one."""
        by_id = {result.id: result for result in results}
        for item in self.rubric.items:
            if item.id in by_id and by_id[item.id].keras and self._uses_keras(item):
                return by_id[item.id].keras
        return next((result.keras for result in results if result.keras), "")

    def _needs(self, item: Item) -> set[str]:
        return self.attempts.stand_ins.dependencies(item) & set(self.rubric.graded)

    def _ordered(self) -> list[Item]:
        ordered: list[Item] = []

        def add(item: Item, above: tuple[str, ...]) -> None:
            for other in self.rubric.items:
                if other.id in self._needs(item) and other.id not in above:
                    add(other, (*above, item.id))
            if item not in ordered:
                ordered.append(item)

        for item in self.rubric.items:
            add(item, ())
        return ordered

    def _uses_keras(self, item: Item) -> bool:
        return bool(_USES_KERAS.search(self.attempts.plan(item).text))

    def _item(self, item: Item, results: Mapping[str, ItemResult], kept: float) -> ItemResult:
        started = time.monotonic()
        absent = self._absent(item)
        if absent:
            return ItemResult(item.id, 0.0, item.points, Status.failed, absent)
        wrong = sorted(
            name
            for name in self._needs(item)
            if name in results and results[name].status is not Status.passed
        )
        best, replaced = self._best(item, wrong, self.limits.total_seconds - kept)
        if best is None:
            message = f"Not graded: {self.limits.total_seconds:.0f} seconds were used up before it."
            return ItemResult(item.id, 0.0, item.points, Status.error, message)
        inherited = self._inherited(item)
        self.kinds[item.id] = frozenset(finding.kind for finding in best.findings)
        best = dataclasses.replace(best, score=max(0.0, best.score - sum(inherited.values())))
        points = round(item.points * best.score, 6)
        blocked = best.raised and bool(wrong)
        return ItemResult(
            id=item.id,
            points=points,
            maximum=item.points,
            status=_status(best, blocked),
            message=_message(best, wrong, replaced, blocked, inherited),
            blocked_by=tuple(wrong) if blocked else (),
            keras=best.keras,
            seconds=round(time.monotonic() - started, 3),
        )

    def _inherited(self, item: Item) -> dict[str, float]:
        """What faults of other items cost this one, by their names."""
        shares = {
            name: sum(kinds.get(kind, 0.0) for kind in self.kinds.get(name, ()))
            for name, kinds in item.inherits.items()
        }
        return {name: share for name, share in shares.items() if share}

    def _absent(self, item: Item) -> str:
        if not self.source.binds(item.id):
            broken = self.source.breakage(item.id)
            if broken:
                where = f"{broken['place']}, line" if broken["place"] else "line"
                return f"It is not Python: {broken['message']} ({where} {broken['line']})."
            near = self.source.nearest(item.id)
            hint = f"; {near} is, but the name must be exactly this" if near else ""
            return f"{item.id} is not defined in the submission{hint}."
        return f"{item.id} is not written yet." if self.source.is_stub(item.id) else ""

    def _best(
        self, item: Item, wrong: Collection[str], until: float
    ) -> tuple[Attempt | None, Collection[str]]:
        """The best of the attempts that are worth making, and what the reference stood in for.

        First with the submission's own code, or, where part of that is known to be wrong, with the
        reference in its place; then the other way; then the same under the other Keras.

        Args:
            item: The item.
            wrong: Items among its dependencies that are wrong.
            until: Seconds of the whole submission after which none is made.
        """
        replaceable = self.attempts.stand_ins.replaceable(item)
        variants = [frozenset(), replaceable] if replaceable else [frozenset()]
        if replaceable & set(wrong):
            variants.reverse()
        best, stood_in = None, frozenset()
        for keras in self._keras_order(item):
            for replaced in variants:
                left = until - self.spent
                if left < 1:
                    return best, stood_in
                attempt = self._attempt(item, keras, min(left, self._patience()), replaced)
                if best is None or _better(attempt, best):
                    best, stood_in = attempt, replaced
                if best.score == 1:
                    return best, stood_in
            if best.timed_out:  # an endless loop has no end under the other Keras either
                break
        return best, stood_in

    def _patience(self) -> float:
        """Seconds for the next attempt: less after each one that came to no end."""
        return max(self.limits.seconds / 2**self.timeouts, self.limits.seconds / 3)

    def _attempt(
        self, item: Item, keras: str, seconds: float, replaced: Collection[str]
    ) -> Attempt:
        attempt = self.attempts.attempt(item, keras, seconds, replaced)
        self.isolation = attempt.isolation
        self.peak = max(self.peak, attempt.peak)
        self.spent += attempt.seconds
        self.timeouts += attempt.timed_out
        if attempt.output and attempt.output not in self.output:
            self.output += attempt.output
        return attempt

    def _keras_order(self, item: Item) -> tuple[str, ...]:
        text = self.attempts.plan(item).text
        if not _USES_KERAS.search(text):
            return KERAS[:1]
        if _KERAS_3.search(text) and not _TF_KERAS.search(text):
            return KERAS[::-1]
        return KERAS


def _status(attempt: Attempt, blocked: bool) -> Status:
    if attempt.score == 1:
        return Status.passed
    if attempt.score > 0:
        return Status.partial
    if blocked:
        return Status.blocked
    return Status.error if attempt.raised else Status.failed


def _better(attempt: Attempt, best: Attempt) -> bool:
    """Whether an attempt scores more, or tells more."""
    if attempt.score != best.score or attempt.raised != best.raised:
        return attempt.score > best.score or (best.raised and not attempt.raised)
    return best.guarded and not attempt.guarded


def _message(
    attempt: Attempt,
    wrong: Collection[str],
    replaced: Collection[str],
    blocked: bool,
    inherited: Collection[str],
) -> str:
    parts = [finding.message for finding in attempt.findings]
    parts += [f"With your {name} it does not work." for name in inherited]
    parts = parts or ["Right."]
    if blocked:
        parts.append(f"It cannot be judged before {', '.join(wrong)} is right.")
    else:
        names = ", ".join(name for name in wrong if name in replaced)
        if names:
            parts.append(f"Graded with the reference's {names} in place of yours.")
    return " ".join(dict.fromkeys(parts))
