"""Chooses what of the reference may stand in for parts of a submission that fail or lack."""

from collections.abc import Collection, Mapping
from typing import Any

from tfp_flows.grading.plan import Plan, Source
from tfp_flows.grading.rubric import Item, Rubric


class StandIns:
    """Stand-ins for one submission.

    A stand-in runs where the submission runs, so the submission can read it. Therefore none is
    given that is the item being graded or uses it. Nor is one for a part that, as the submission
    has written it, uses the item: two parts could earn each other's points that way.

    Args:
        rubric: The assignment.
        source: The submission.
        reference: The reference solution.
    """

    def __init__(self, rubric: Rubric, source: Source, reference: Source):
        self._rubric, self._source, self._reference = rubric, source, reference

    def dependencies(self, item: Item) -> set[str]:
        """Other graded or provided names that an item of the submission uses."""
        known = {*self._rubric.graded, *self._rubric.provided}
        return (self._source.plan([item.id]).needs & known) - {item.id}

    def replaceable(self, item: Item) -> frozenset[str]:
        """The dependencies of an item for which the reference may stand in."""
        names = self.dependencies(item)
        return frozenset(name for name in names if self._may_stand_in(name, item))

    def wanted(self, item: Item, plan: Plan, replaced: Collection[str]) -> tuple[str, ...]:
        """What stands in while an item is graded.

        Args:
            item: The item.
            plan: What is run of the submission.
            replaced: Names that are not taken from the submission.

        Returns:
            Those of these names that are used, and provided names that the submission lacks.
        """
        lacking = {name for name in self._rubric.provided if not self._source.binds(name)}
        used = plan.needs.union(item.settings.get("with", ()))
        names = used & ({*replaced} | lacking)
        return tuple(sorted(name for name in names if self._may_stand_in(name, item)))

    def tell(self, names: Collection[str]) -> bool:
        """Whether there is anything of a graded item in some stand-ins."""
        graded = set(self._rubric.graded)
        return any(graded & {name, *self.plan(name).needs} for name in names)

    def plan(self, name: str) -> Plan:
        """What a stand-in needs of the reference."""
        return self._reference.plan([name])

    def jobs(self, names: Collection[str]) -> list[Mapping[str, Any]]:
        """What a confined process needs to load them."""
        return [{"name": name, "statements": list(self.plan(name).own)} for name in names]

    def _may_stand_in(self, name: str, item: Item) -> bool:
        if name == item.id or not self._reference.binds(name):
            return False
        if self._source.binds(name) and item.id in self._source.plan([name]).needs:
            return False
        plan = self.plan(name)
        bound = {other for statement in plan.own for other in statement["binds"]}
        return item.id not in bound | plan.needs
