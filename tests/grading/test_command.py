"""The command `tfp-flows grade`, on files and on a folder with hostile ones among them."""

import base64
import csv
import dataclasses
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from commands import bad, good
from rich.console import Console

from grading.notebooks import EMPTY, notebook
from tfp_flows import terminal
from tfp_flows.cli.grade_options import Format
from tfp_flows.grading import FORMATS, ItemResult, Report, Status, render
from tfp_flows.grading.batch import find_submissions
from tfp_flows.grading.summary import write_csv, write_page

HERE = Path(__file__).parent
SOLUTION = (HERE / "solution.py").read_text()
HOSTILE = ("os_exit.py", "junk.ipynb", "fake_report.py", "sys_exit.py", "kill_parent.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as a teacher downloads it, and what the command has written about it."""
    place = tmp_path_factory.mktemp("command")
    given = place / "given"
    (given / "anna").mkdir(parents=True)
    (given / "ben").mkdir()
    (given / "anna" / "solution.ipynb").write_text(notebook(*SOLUTION.split("\n\n\n")))
    copied = SOLUTION.replace("half", "middle").replace("# A right", "# My")
    (given / "ben" / "work.py").write_text(copied)
    (given / "empty.ipynb").write_text(notebook(EMPTY))
    for name in HOSTILE:
        shutil.copy(HERE / "hostile" / name, given / name)
    (given / "essay.pdf").write_bytes(b"%PDF-1.4")
    (given / ".ipynb_checkpoints").mkdir()
    (given / ".ipynb_checkpoints" / "solution.py").write_text(SOLUTION)
    result = good("grade", given, "--out", place / "out", "--format", "json")
    return place / "out", result


def test_grades_of_a_folder(folder):
    out, result = folder
    text = (out / "grades.csv").read_text()
    rows = {row["submission"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {"anna/solution.ipynb", "ben/work.py", "empty.ipynb", *HOSTILE}
    percents = {name: float(row["percent"]) for name, row in rows.items()}
    assert percents["anna/solution.ipynb"] == percents["ben/work.py"] == 100
    for name in ("empty.ipynb", "os_exit.py", "junk.ipynb", "fake_report.py", "sys_exit.py"):
        assert percents[name] == 0, name
    assert rows["anna/solution.ipynb"]["same_as"] == "ben/work.py"
    assert rows["ben/work.py"]["same_as"] == "anna/solution.ipynb"
    assert rows["ben/work.py"]["realnvp_block"] == "15"
    assert rows["empty.ipynb"]["same_as"] == ""
    assert "binary" in rows["junk.ipynb"]["notes"]
    assert "Left out, neither notebooks nor scripts: essay.pdf." in result.stderr
    assert result.stdout == ""


def test_reports_of_a_folder(folder):
    out, _ = folder
    reports = {path.name: json.loads(path.read_text()) for path in (out / "reports").iterdir()}
    assert len(reports) == 3 + len(HOSTILE)
    assert reports["anna_solution.ipynb.json"]["percent"] == 100
    assert reports["fake_report.py.json"]["points"] == 0
    assert "fractionalScore" in reports["fake_report.py.json"]["output"]


def test_summary_page_of_a_folder(folder):
    out, _ = folder
    page = (out / "summary.html").read_text()
    for text in ("RealNVP", "8 submissions", "anna/solution.ipynb, ben/work.py", "Isolation: "):
        assert text in page
    assert 'href="reports/anna_solution.ipynb.json"' in page
    assert "essay.pdf" in page
    assert "tensorflow " in page
    assert "<script" not in page


def test_one_file_for_people(tmp_path):
    path = tmp_path / "work.py"
    path.write_text(SOLUTION)
    result = good("grade", path, "--part", "masks")
    assert f"{path}\n5 of 5 points (100 %)" in result.stdout
    assert "channel_binary_mask: 5 / 5, passed" in result.stdout


def test_step_of_github_gets_its_output(tmp_path, monkeypatch):
    path = tmp_path / "work.ipynb"
    path.write_text(notebook(EMPTY))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    (tmp_path / "outputs").write_text("before=1\n")
    good("grade", path, "--part", "forward", "--format", "github", "--out", tmp_path / "r.json")
    before, line = (tmp_path / "outputs").read_text().splitlines()
    assert before == "before=1"
    result = json.loads(base64.b64decode(line.removeprefix("result=")))
    assert result == json.loads((tmp_path / "r.json").read_text())
    assert result["tests"][0]["name"] == "forward"
    assert result["tests"][0]["score"] == 0


def test_bad_requests_are_refused_at_once(tmp_path):
    path = tmp_path / "work.py"
    path.write_text(SOLUTION)
    assert "no file or folder" in bad("grade", tmp_path / "missing.py")
    assert "did you mean 'forward'" in bad("grade", path, "--part", "fowrard")
    assert "Unknown rubric 'realnpv'" in bad("grade", path, "--rubric", "realnpv")
    assert "needs --out FOLDER" in bad("grade", tmp_path, "--format", "coursera")
    assert "is a folder; of one submission" in bad(
        "grade", path, "--part", "masks", "--out", tmp_path
    )
    (tmp_path / "nothing").mkdir()
    assert "no notebook (.ipynb) or script" in bad("grade", tmp_path / "nothing")
    assert "cannot be written: Not a directory" in bad("grade", tmp_path, "--out", path)


def test_bar_of_a_folder_is_shown_on_a_terminal(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        terminal, "progress_console", lambda: Console(file=screen, force_terminal=1)
    )
    assert list(terminal.tracked(iter("abc"), "grading", 3)) == ["a", "b", "c"]
    assert "grading" in screen.getvalue()
    assert "100%" in screen.getvalue()


def test_formats_of_the_command_are_those_there_are():
    assert tuple(form.value for form in Format) == FORMATS


def test_links_and_hidden_folders_are_no_submissions(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.py").write_text("x = 1")
    (tmp_path / "a" / ".hidden.py").write_text("x = 1")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "y.py").write_text("x = 1")
    found, others = find_submissions([tmp_path])
    assert [submission.name for submission in found] == ["a/x.py"]
    assert others == []
    both, _ = find_submissions([tmp_path / "a", tmp_path / "a" / "x.py"])
    assert len(both) == 1


def test_names_are_printable_and_all_different(tmp_path):
    for name in ("a\x1b[2J.py", "a\x07[2J.py", "b\n.py"):
        (tmp_path / name).write_text("x = 1")
    (tmp_path / "c\x1b.pdf").write_text("")
    found, others = find_submissions([tmp_path])
    assert [submission.name for submission in found] == ["a?[2J.py", "a?[2J.py (2)", "b .py"]
    assert len({submission.path for submission in found}) == 3
    assert others == ["c?.pdf"]


def _strange(name):
    item = ItemResult("forward", 0.0, 10.0, Status.failed, '"><img src=x onerror=alert(1)>')
    return Report(name, "realnvp", (item,), fingerprint="a", notes=("=1+1",))


def test_names_and_messages_are_harmless_in_tables():
    reports = [_strange('=HYPERLINK("http://x")'), _strange("<b>bold</b>.py")]
    row = next(csv.DictReader(io.StringIO(write_csv(reports))))
    assert row["submission"] == '\'=HYPERLINK("http://x")'
    assert row["notes"] == "'=1+1"
    page = write_page("<i>", reports, links={}, versions={})
    for tag in ("<img", "<b>", "<i>"):
        assert tag not in page
    assert "&lt;b&gt;bold" in page


def test_walls_and_what_is_weaker_are_in_tables():
    weaker = ("without namespaces sizes, times and links of any file can be asked for",)
    reports = [
        dataclasses.replace(_strange("a.py"), isolation=("Landlock", "seccomp"), weaker=weaker),
        _strange("b.py"),
    ]
    first, second = csv.DictReader(io.StringIO(write_csv(reports)))
    assert first["walls"] == "Landlock; seccomp"
    assert first["weaker"] == weaker[0]
    assert second["walls"] == second["weaker"] == ""
    page = write_page("", reports, links={}, versions={})
    assert "<li>Isolation: Landlock, seccomp.</li>" in page
    assert f"<li>Weaker here: {weaker[0]}.</li>" in page
    assert f"Weaker here: {weaker[0]}." in render(reports[0])
    assert "Weaker" not in render(reports[1])


def test_reports_stay_in_their_folder(tmp_path):
    from tfp_flows.cli.grade import _file_name

    taken = []
    for name in ("../../etc/passwd.py", "a/b.py", "a_b.py", ".py", "x" * 500, "-rf.py", "é ü.py"):
        taken.append(_file_name(name, ".json", taken))
        path = os.path.realpath(tmp_path / taken[-1])
        assert os.path.dirname(path) == str(tmp_path / "reports")
        assert len(os.path.basename(path)) < 200
    assert len(set(taken)) == len(taken)
