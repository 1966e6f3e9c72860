"""Whatever a submission's text is, the grader's own process does little with it.

Work is counted, not timed; what cannot be counted runs in a process that is given minutes for what
takes it a moment, and would take hours if it were not linear.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tfp_flows.grading import load_rubric, plan
from tfp_flows.grading.isolation import Limits
from tfp_flows.grading.items import Run
from tfp_flows.grading.leftout import left_out
from tfp_flows.grading.plan import Source

ROOT = Path(__file__).parents[2]
STATEMENT = {
    "kind": "definition", "binds": [], "changes": [], "reads": [], "later": [], "needs": [],
    "source": "pass", "place": "", "line": 1, "last": 1, "stub": False, "lazy": False,
}  # fmt: skip


def statement(**fields):
    fields.setdefault("needs", [*fields.get("reads", ()), *fields.get("later", ())])
    return {**STATEMENT, **fields}


class Counted(Source):
    """A source that counts the statements that it looks at."""

    steps = 0

    def _needed(self, name, place):
        for index in super()._needed(name, place):
            self.steps += 1
            yield index


class StandIns:
    """Each item needs all others."""

    def __init__(self, names):
        self.names, self.asked = set(names), 0

    def dependencies(self, item):
        self.asked += 1
        return self.names - {item.id}


def test_items_that_all_name_each_other_are_put_in_order_at_once():
    rubric = load_rubric()
    stand_ins = StandIns(rubric.graded)
    attempts = type("Attempts", (), {"stand_ins": stand_ins})()
    ordered = Run(rubric, Limits(), Source([]), attempts)._ordered()
    assert sorted(item.id for item in ordered) == sorted(rubric.graded)
    assert stand_ins.asked == len(rubric.graded)


def test_items_come_after_those_that_they_need():
    rubric = load_rubric()
    needs = {"forward": {"realnvp_block"}, "realnvp_block": {"channel_binary_mask"}}
    dependencies = staticmethod(lambda item: needs.get(item.id, set()))
    attempts = type("A", (), {"stand_ins": type("S", (), {"dependencies": dependencies})()})()
    names = [item.id for item in Run(rubric, Limits(), Source([]), attempts)._ordered()]
    assert names.index("channel_binary_mask") < names.index("realnvp_block")
    assert names.index("realnvp_block") < names.index("forward")


@pytest.mark.parametrize("later", [True, False])
def test_plans_take_few_steps(later):
    """Thousands of statements, each of which reads and changes what the others do."""
    names = [f"n{number}" for number in range(60)]
    reads = {"later" if later else "reads": names}
    many = [statement(binds=[name], changes=[name], **reads) for name in names * 50]
    source = Counted([*many, statement(binds=["forward"], later=names)])
    found = source.plan(["forward"])
    assert len(found.own) == len(many) + 1
    assert source.steps <= 2 * plan._MOST_STEPS
    steps = source.steps
    assert source.plan(["forward"]) is found
    assert source.steps == steps


def test_deleted_again_and_again():
    source = Counted([statement(kind="deletion", binds=["a"])] * 5000 + [statement(binds=["a"])])
    source.plan(["a"])
    assert source.steps == 1


def test_names_alike_are_compared_with_few():
    source = Source([statement(binds=[f"forwar{number}"]) for number in range(20_000)])
    compared = []
    plan_difflib = plan.difflib.get_close_matches
    try:
        plan.difflib.get_close_matches = lambda *given, **_: compared.extend(given[1]) or []
        source.nearest("forward")
    finally:
        plan.difflib.get_close_matches = plan_difflib
    assert len(compared) <= plan._MOST_COMPARED


class Answer:
    def __init__(self, statements):
        self.answer = {"statements": statements, "broken": [], "skipped": []}

    def request(self, *_, **__):
        return self.answer, []


def test_more_code_than_any_assignment_is_refused():
    few = Answer([statement(binds=["a"])] * 10)
    assert isinstance(plan.read_source(few, None, "x.py"), Source)
    for statements in (
        [statement(binds=["a"])] * 20_001,
        [statement(binds=["a"], reads=["b"] * 200_001)],
    ):
        assert "more code than can be graded" in plan.read_source(Answer(statements), None, "x.py")


def test_what_was_not_run_is_told_in_few_words():
    statements = [statement(binds=["a"], line=n, last=n) for n in range(1, 5001)]
    every_other = plan.Plan((), frozenset(range(0, 5000, 2)))
    told = left_out(Source(statements), [every_other])
    assert len(told) == 41
    assert told[0] == "line 2: not used by what is graded"
    assert told[-1] == "2460 more"
    assert left_out(Source(statements), []) == ("lines 1 to 5000: not used by what is graded",)


_LINEAR = """
    from tfp_flows.grading.confined.notebook import Cell
    from tfp_flows.grading.confined.statements import read_statements
    from tfp_flows.grading.keras_words import _of_tf_keras
    from tfp_flows.grading.plan import Source

    assert not _of_tf_keras("tensorflow " * 400_000)
    assert not _of_tf_keras("l2(" + " " * 4_000_000)
    assert _of_tf_keras("tensorflow " * 400_000 + "keras")
    text = ("def forward(:" + "\\n" * 20_000) * 20
    found, broken, skipped = read_statements([Cell("", text)])
    source = Source([], [piece._asdict() for piece in broken])
    assert source.breakage("forward") and not source.breakage("inverse")
    print("done")
"""


def test_searches_are_linear():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_LINEAR)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "done\n", done.stderr[-2000:]
