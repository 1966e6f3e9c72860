"""How processes are started and shared out: time, slots, ways that do not work."""

import itertools
import os
import threading
from pathlib import Path

import pytest

from grading.test_rubrics import REFERENCE, SECOND
from tfp_flows.errors import InputError
from tfp_flows.grading import (
    Grader,
    Isolation,
    Limits,
    find_submissions,
    grade_all,
    visible,
)
from tfp_flows.grading import pool as pools
from tfp_flows.grading import process as processes
from tfp_flows.grading.confined import supervisor
from tfp_flows.grading.isolation import run_of
from tfp_flows.grading.process import Slots
from tfp_flows.grading.zygote import NoWalls, Stalled

WAYS = [Isolation("bwrap", True, False), Isolation(None, True, False)]
READING = """
import os


def softplus(x):
    for root in ("@", "@/.."):
        for folder, _, files in os.walk(root):
            for name in files:
                print("FOUND", folder, name)
    return x
"""


class FakeZygote:
    def __init__(self, keras, isolation):
        self.keras, self.isolation, self.users, self.log = keras, isolation, 0, []

    def hold(self):
        self.users += 1

    def release(self):
        self.users -= 1

    def retire(self):
        self.log.append("retired")


class FakeProcess:
    outcomes, serious = (), ()

    def __init__(self, zygote, limits, slot):
        outcome = next(FakeProcess.outcomes)
        if outcome is not None:
            raise outcome
        self.zygote = zygote

    def close(self):
        pass


@pytest.fixture
def start(monkeypatch):
    """Makes processes with given outcomes; gives back the way of each."""
    monkeypatch.setattr(pools, "Zygote", FakeZygote)
    monkeypatch.setattr(pools, "Process", FakeProcess)
    monkeypatch.setattr(pools, "candidates", lambda: list(WAYS))
    pool = pools.Pool(Limits())

    def run(*outcomes):
        FakeProcess.outcomes = itertools.chain(outcomes, itertools.repeat(None))
        with pool.process("tf_keras", 1, guarded=False) as process:
            assert process.zygote.users == 1
        assert process.zygote.users == 0
        return process.zygote.isolation

    return run


def test_way_that_cannot_be_is_given_up(start):
    assert start(NoWalls("no")) == WAYS[1]
    assert start() == WAYS[1]


def test_slow_start_weakens_nothing(start):
    assert start(Stalled("slow"), Stalled("slow")) == WAYS[0]
    with pytest.raises(InputError, match="No confined process starts here: slow"):
        start(*[Stalled("slow")] * 3)
    assert start() == WAYS[0]


def test_way_that_has_worked_is_kept(start):
    assert start() == WAYS[0]
    assert start(NoWalls("killed")) == WAYS[0]
    with pytest.raises(InputError, match="killed"):
        start(*[NoWalls("killed")] * 3)


def test_where_no_way_works_nothing_runs(start):
    with pytest.raises(InputError, match="Nothing can be confined here: no"):
        start(NoWalls("no"), NoWalls("no"))


def test_walls_that_matter_are_not_done_without(start, monkeypatch):
    monkeypatch.setattr(FakeProcess, "serious", ("submissions run as root",))
    with pytest.raises(InputError, match=r"too weak here: submissions run as root; .*--weak-walls"):
        start()
    with pools.Pool(Limits(), weak_walls=True).process("tf_keras", 1, guarded=False) as process:
        assert process.serious


def test_threads_count_as_memory_of_a_run():
    """The kernel keeps some for each, which the process itself does not hold."""
    end = threading.Event()
    threads = [threading.Thread(target=end.wait) for _ in range(200)]
    before = supervisor._resident(os.getpid())
    try:
        for thread in threads:
            thread.start()
        assert supervisor._resident(os.getpid()) - before >= 200 * (16 << 10)
    finally:
        end.set()
        for thread in threads:
            thread.join()
    rss = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert supervisor._resident(os.getpid()) == pytest.approx(rss, rel=0.1)
    assert supervisor._resident(2**30) == 0


def test_scratch_counts_as_memory_of_a_run():
    limits = Limits()
    bound = run_of(Isolation(None, True, False), limits, 0)["resident"]
    assert 0 < bound <= limits.memory - limits.file_size


def test_slots_are_all_different():
    slots = Slots(5)
    with slots.take() as first, slots.take() as second:
        assert first != second
        assert min(first, second) >= 5


@pytest.fixture
def second(tmp_path):
    folder = tmp_path / "rubrics" / "second"
    folder.mkdir(parents=True)
    (folder / "rubric.toml").write_text(SECOND)
    (folder / "reference.py").write_text(REFERENCE)
    return folder


def test_references_never_wait_for_submissions(second, tmp_path, monkeypatch):
    """With a single slot of each kind, four submissions at once come to an end."""
    monkeypatch.setattr(processes, "MOST_RUNS", 1)
    given = tmp_path / "given"
    given.mkdir()
    for number in range(4):
        (given / f"{number}.py").write_text(REFERENCE)
    submissions, _ = find_submissions([given])
    with Grader(second) as grader:
        reports = [report for _, report in grade_all(grader, submissions, jobs=4)]
    assert [report.percent for report in reports] == [100] * 4


def test_faults_of_a_rubric_are_no_zero_of_the_student(second, tmp_path):
    (tmp_path / "work.py").write_text(REFERENCE)
    (second / "reference.py").write_text(REFERENCE.replace("tf.nn.softplus(x)", "1 / 0"))
    with Grader(second) as grader:
        with pytest.raises(InputError, match=r"reference of softplus .*ZeroDivisionError"):
            grader.grade(tmp_path / "work.py")
        assert grader.grade(tmp_path / "work.py", part="mean_and_sum").percent == 100
        submissions, _ = find_submissions([tmp_path / "work.py"])
        (_, report), *_ = grade_all(grader, submissions, part="softplus")
        assert report.faulty
        assert "ZeroDivisionError" in report.notes[0]


def test_faults_of_a_check_are_no_zero_of_the_student(second, tmp_path):
    (second / "checks.py").write_text(
        "def broken(trial):\n    yield {}['missing']\n\n\nCHECKS = {'broken': broken}\n"
    )
    (second / "rubric.toml").write_text(SECOND.replace('"values"', '"broken"', 1))
    (tmp_path / "work.py").write_text(REFERENCE)
    with Grader(second) as grader, pytest.raises(KeyError, match="missing"):
        grader.grade(tmp_path / "work.py", part="softplus")


def test_rubric_of_one_s_own_is_hidden(second, tmp_path, monkeypatch):
    """Also below a folder that submissions see: there it is covered."""
    seen, work = second.parent, tmp_path / "given" / "work.py"
    monkeypatch.setattr(visible, "_SYSTEM", (*visible._SYSTEM, str(seen)))
    tmp_path.chmod(0o755)
    (seen / "seen.txt").write_text("x")
    work.parent.mkdir()
    work.write_text(READING.replace("@", str(second)))
    with Grader(second) as grader:
        output = grader.grade(work, part="softplus").output
    assert "seen.txt" in output
    assert "reference.py" not in output
    assert "rubric.toml" not in output


def test_links_are_not_followed(grader, tmp_path):
    other = tmp_path / "anna"
    other.mkdir()
    (other / "solution.py").write_text("def forward(x, b, f):\n    return x\n")
    given = tmp_path / "given"
    given.mkdir()
    (given / "link.py").symlink_to(other / "solution.py")
    (given / "folder").symlink_to(other)
    (given / "own.py").write_text("x = 1\n")
    found, others = find_submissions([given])
    assert [submission.name for submission in found] == ["own.py"]
    assert others == ["link.py"]
    paths = [given / name for name in ("link.py", "folder", "own.py")]
    found, others = find_submissions(paths)
    assert [submission.path.name for submission in found] == ["link.py", "own.py"]
    assert others == [str(given / "folder")]
    report = grader.grade(given / "link.py", part="forward")
    assert report.points == 0
    assert "link to another file" in report.items[0].message
    os.symlink(tmp_path / "nowhere", given / "broken.py")
    assert "link to another file" in grader.grade(given / "broken.py").items[0].message
