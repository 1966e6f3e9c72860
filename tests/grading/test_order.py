"""In which order a submission is tried: what is shown before what is not, time for each item."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tfp_flows.grading import Limits, Status, find_submissions, grade_all
from tfp_flows.grading import pool as pools
from tfp_flows.grading.attempt import Attempt
from tfp_flows.grading.items import Run
from tfp_flows.grading.rubric import load_rubric
from tfp_flows.grading.trial import Finding
from tfp_flows.grading.turns import Turns

HERE = Path(__file__).parent


class FakeAttempts:
    """Of nine items, eight are endless; time is only counted."""

    class stand_ins:
        @staticmethod
        def dependencies(item):
            return set()

        @staticmethod
        def replaceable(item):
            return frozenset()

    def plan(self, item, replaced=()):
        return type("Plan", (), {"text": "tf.keras"})

    def guarded(self, item, replaced=()):
        return bool(replaced)

    def attempt(self, item, keras, seconds, replaced=()):
        if item.id == "get_preprocess_bijector":
            return Attempt(1.0, (), seconds=min(seconds, 2.0))
        finding = Finding("error", "endless")
        return Attempt(0.0, (finding,), raised=True, timed_out=True, seconds=seconds)


class AllWritten:
    def binds(self, name):
        return True

    def is_stub(self, name):
        return False


def test_endless_items_take_no_time_from_others():
    rubric, limits = load_rubric(), Limits()
    run = Run(rubric, limits, AllWritten(), FakeAttempts())
    results = {item.id: item for item in run.grade(rubric.items)}
    assert results.pop("get_preprocess_bijector").points == 10
    assert all(result.message == "endless" for result in results.values())
    assert run.spent <= limits.total_seconds
    assert {result.status for result in results.values()} == {Status.error}


class GuardedAttempts(FakeAttempts):
    """Every item uses the two before it, for which the reference may stand in; all are wrong."""

    def __init__(self):
        self.log, self.ids = [], list(load_rubric().graded)
        used = {"dependencies": self._uses, "replaceable": self._uses}
        self.stand_ins = type("StandIns", (), used)

    def _uses(self, item):
        place = self.ids.index(item.id)
        return frozenset(self.ids[max(0, place - 2) : place])

    def attempt(self, item, keras, seconds, replaced=()):
        self.log.append(bool(replaced))
        share = 0.5 if replaced else 0.25
        finding = Finding("other", f"half of {item.id}")
        return Attempt(share, (finding,), guarded=bool(replaced), peak=9 if replaced else 1)


def test_tries_beside_the_reference_come_last():
    rubric, attempts = load_rubric(), GuardedAttempts()
    run = Run(rubric, Limits(), AllWritten(), attempts)
    run.show(rubric.items)
    shown = len(attempts.log)
    assert shown == 2 * len(rubric.items)  # under either Keras
    assert not any(attempts.log)
    assert run.needs_reference(rubric.items)
    results = run.finish(rubric.items)
    assert all(attempts.log[shown:])
    assert [result.points / result.maximum for result in results] == [0.25] + [0.5] * (
        len(rubric.items) - 1
    )
    assert "reference's" in results[-1].message
    assert run.peak == 1


def test_runs_of_two_kinds_are_never_side_by_side():
    turns, state, wrong = Turns(), {True: 0, False: 0}, []

    def take(guarded):
        for _ in range(200):
            with turns.take(guarded=guarded):
                state[guarded] += 1
                wrong.extend([guarded] * state[not guarded])
                time.sleep(0)
                state[guarded] -= 1

    with ThreadPoolExecutor(6) as executor:
        list(executor.map(take, [True, False] * 3))
    assert wrong == []


def test_of_a_folder_all_shown_tries_come_first(grader, tmp_path, monkeypatch):
    """Two are wrong in an item that others use: in the end those are tried with the reference's."""
    wrong = (HERE / "solution.py").read_text().replace("x * tf.exp(s) + t", "1 / 0")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(wrong)
    log, process = [], pools.Pool.process

    def logged(pool, keras, seconds, *, guarded):
        log.append(guarded)
        return process(pool, keras, seconds, guarded=guarded)

    monkeypatch.setattr(pools.Pool, "process", logged)
    submissions, _ = find_submissions([tmp_path])
    reports = [report for _, report in grade_all(grader, submissions, jobs=2)]
    assert log == sorted(log)
    assert sum(log) >= 2
    for report in reports:
        found = {item.id: item for item in report.items}
        assert found["forward"].points == 0
        assert "with the reference's forward" in found["realnvp_block"].message
