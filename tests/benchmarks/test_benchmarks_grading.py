"""The benchmark of grading: on six submissions, two of each kind."""

import json

from typer.testing import CliRunner

from benchmarks.grading import __main__ as command
from benchmarks.grading import folder, report
from tfp_flows.grading import ItemResult, Report, Status


def test_a_hundred_are_mixed():
    names = list(folder.submissions())[:100]
    assert len(names) == 100
    counts = {kind: sum(name.startswith(kind) for name in names) for kind in folder.KINDS}
    assert min(counts.values()) >= 15


def test_a_short_run_tells_times_and_memory(tmp_path):
    out = tmp_path / "grading.json"
    done = CliRunner().invoke(command.app, ["--count", "6", "--jobs", "2", "--out", str(out)])
    assert done.exit_code == 0, done.output
    record = json.loads(out.read_text())
    everything = record["submissions"]["all"]
    assert everything["number"] == everything["as_expected"] == 6
    assert 0 < everything["mean_seconds"] < record["seconds"] * 2
    assert 100 < everything["peak_megabytes"] < 1500
    assert "6 submissions in " in done.output
    assert "| all | 6 | 6 |" in out.with_suffix(".md").read_text()


def test_wrong_grades_are_counted():
    def graded(name, points):
        item = ItemResult("forward", points, 10.0, Status.passed, "")
        return Report(name, "realnvp", (item,))

    reports = [graded("right_a.py", 9.0), graded("wrong_b.py", 10.0), graded("hostile_c.py", 0.0)]
    figures = report.summary(reports)
    assert [figures[kind]["as_expected"] for kind in (*folder.KINDS, "all")] == [0, 0, 1, 1]
