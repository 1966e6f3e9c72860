"""Grades the items of one submission, each on its own, under the Keras that it needs."""

import dataclasses
import time
from collections.abc import Collection, Mapping

from tfp_flows.grading.attempt import Attempt, Attempts
from tfp_flows.grading.isolation import Limits
from tfp_flows.grading.keras_words import keras_order, uses_keras
from tfp_flows.grading.plan import Source
from tfp_flows.grading.results import ItemResult, Status
from tfp_flows.grading.rubric import Item, Rubric

_LONGEST_TEXT = 1 << 18


@dataclasses.dataclass
class _Best:
    """The best of the tries at an item so far.

    Attributes:
        attempt: It; None before the first one.
        replaced: What the reference stood in for.
        seconds: Wall time of all tries that are shown.
    """

    attempt: Attempt | None = None
    replaced: Collection[str] = frozenset()
    seconds: float = 0.0


@dataclasses.dataclass
class Run:
    """The grading of one submission, item by item, each on its own.

    All tries beside the reference come after all others: nothing is shown of what the submission
    says in the former, and it may keep what it has seen there for a later one.
    """

    rubric: Rubric
    limits: Limits
    source: Source
    attempts: Attempts
    isolation: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()
    output: str = ""
    peak: int = 0
    spent: float = 0.0
    timeouts: int = 0
    kinds: dict[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    _best: dict[str, _Best] = dataclasses.field(default_factory=dict)

    def grade(self, items: Collection[Item]) -> tuple[ItemResult, ...]:
        """Grades items: `show`, then `finish`."""
        self.show(items)
        return self.finish(items)

    def show(self, items: Collection[Item]) -> None:
        """Makes the tries that may be shown, at the items and those that they need."""
        due = self._due(items)
        later = sum(self._guarded_due(item) for item in due)
        for number, item in enumerate(due):
            if item.id in self._best:  # shown before, as one that another one needs
                continue
            started = time.monotonic()
            kept = self._share(due) * (len(due) - number - 1 + later)
            self._try(item, (), self.limits.total_seconds - kept, guarded=False)
            self._best[item.id].seconds = time.monotonic() - started

    def needs_reference(self, items: Collection[Item]) -> bool:
        """Whether `finish` makes further tries, beside the reference."""
        return any(self._guarded_due(item) for item in self._due(items))

    def finish(self, items: Collection[Item]) -> tuple[ItemResult, ...]:
        """Makes the tries beside the reference, and gives all results."""
        due = self._due(items)
        later = [item for item in due if self._guarded_due(item)]
        results: dict[str, ItemResult] = {}
        for item in due:
            wrong = sorted(
                name
                for name in self._needs(item)
                if name in results and results[name].status is not Status.passed
            )
            if item in later:
                later.remove(item)
                kept = self._share(due) * len(later)
                self._try(item, wrong, self.limits.total_seconds - kept, guarded=True)
            results[item.id] = self._result(item, wrong)
        return tuple(results[item.id] for item in items)

    def _due(self, items: Collection[Item]) -> list[Item]:
        """Items and those that they need, in an order in which the latter come first."""
        return [
            item
            for item in self._ordered()
            if item in items or any(item.id in self._needs(other) for other in items)
        ]

    def _guarded_due(self, item: Item) -> bool:
        """Whether an item may still earn something by a try beside the reference."""
        best = self._best.get(item.id, _Best()).attempt
        if self._absent(item) or (best is not None and best.score == 1):
            return False
        return any(self.attempts.guarded(item, names) for names in self._variants(item, ()))

    def _share(self, due: Collection[Item]) -> float:
        """Seconds that each item has to itself, whatever others take."""
        return min(self.limits.seconds, self.limits.total_seconds / (2 * len(due)))

    def keras(self, results: Collection[ItemResult]) -> str:
        """The Keras that the submission needs: that of the items that use one."""
        return self._keras_of({result.id: result.keras for result in results})

    def keras_so_far(self) -> str:
        """The Keras of the tries made until now, as `keras` finds it."""
        return self._keras_of(
            {name: best.attempt.keras for name, best in self._best.items() if best.attempt}
        )

    def _keras_of(self, known: Mapping[str, str]) -> str:
        for item in self.rubric.items:
            if known.get(item.id) and self._uses_keras(item):
                return known[item.id]
        return next((keras for keras in known.values() if keras), "")

    def _needs(self, item: Item) -> set[str]:
        return self.attempts.stand_ins.dependencies(item) & set(self.rubric.graded)

    def _ordered(self) -> list[Item]:
        """Each item after those that it needs; one of a circle comes first, whichever it is."""
        ordered: list[Item] = []
        begun: set[str] = set()

        def add(item: Item) -> None:
            if item.id not in begun:
                begun.add(item.id)
                needs = self._needs(item)
                for other in self.rubric.items:
                    if other.id in needs:
                        add(other)
                ordered.append(item)

        for item in self.rubric.items:
            add(item)
        return ordered

    def _text(self, item: Item) -> str:
        return self.attempts.plan(item).text[:_LONGEST_TEXT]

    def _uses_keras(self, item: Item) -> bool:
        return uses_keras(self._text(item))

    def _result(self, item: Item, wrong: Collection[str]) -> ItemResult:
        absent = self._absent(item)
        if absent:
            return ItemResult(item.id, 0.0, item.points, Status.failed, absent)
        best = self._best.get(item.id, _Best())
        attempt = best.attempt
        if attempt is None:
            message = f"Not graded: {self.limits.total_seconds:.0f} seconds were used up before it."
            return ItemResult(item.id, 0.0, item.points, Status.error, message)
        inherited = self._inherited(item)
        self.kinds[item.id] = frozenset(finding.kind for finding in attempt.findings)
        score = max(0.0, attempt.score - sum(inherited.values()))
        attempt = dataclasses.replace(attempt, score=score)
        blocked = attempt.raised and bool(wrong)
        return ItemResult(
            id=item.id,
            points=round(item.points * attempt.score, 6),
            maximum=item.points,
            status=_status(attempt, blocked),
            message=_message(attempt, wrong, best.replaced, blocked, inherited),
            blocked_by=tuple(wrong) if blocked else (),
            keras=attempt.keras,
            seconds=round(best.seconds, 3),
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

    def _variants(self, item: Item, wrong: Collection[str]) -> list[frozenset[str]]:
        """What the reference may stand in for: nothing, or all that it may.

        Where some of that is known to be wrong, the latter comes first.
        """
        replaceable = self.attempts.stand_ins.replaceable(item)
        variants = [frozenset(), replaceable] if replaceable else [frozenset()]
        return variants[::-1] if replaceable & set(wrong) else variants

    def _try(self, item: Item, wrong: Collection[str], until: float, *, guarded: bool) -> None:
        """Makes the attempts of one kind that are worth making, under one Keras and the other.

        Args:
            item: The item.
            wrong: Items among its dependencies that are wrong.
            until: Seconds of the whole submission after which none is made.
            guarded: The kind.
        """
        best = self._best.setdefault(item.id, _Best())
        if self._absent(item):
            return
        variants = [
            names
            for names in self._variants(item, wrong)
            if self.attempts.guarded(item, names) is guarded
        ]
        for keras in self._keras_order(item):
            for replaced in variants:
                left = until - self.spent
                if left < 1:
                    return
                attempt = self._attempt(item, keras, min(left, self._patience()), replaced)
                if best.attempt is None or _better(attempt, best.attempt):
                    best.attempt, best.replaced = attempt, replaced
                if best.attempt.score == 1:
                    return
            # An endless loop has no end under the other Keras either.
            if best.attempt is not None and best.attempt.timed_out:
                return

    def _patience(self) -> float:
        """Seconds for the next attempt: less after each one that came to no end."""
        return max(self.limits.seconds / 2**self.timeouts, self.limits.seconds / 3)

    def _attempt(
        self, item: Item, keras: str, seconds: float, replaced: Collection[str]
    ) -> Attempt:
        attempt = self.attempts.attempt(item, keras, seconds, replaced)
        self.isolation, self.weaker = attempt.isolation, attempt.weaker
        if not attempt.guarded:  # it could tell something by what it uses
            self.peak = max(self.peak, attempt.peak)
        self.spent += attempt.seconds
        self.timeouts += attempt.timed_out
        if attempt.output and attempt.output not in self.output:
            self.output += attempt.output
        return attempt

    def _keras_order(self, item: Item) -> tuple[str, ...]:
        return keras_order(self._text(item))


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
