"""Every format by its contract, for a right, an empty and a half-right submission."""

import ast
import base64
import json
import math
from pathlib import Path

import nbformat
import pytest

from grading.notebooks import EMPTY, notebook
from tfp_flows.errors import InputError
from tfp_flows.grading import FORMATS, Grader, ItemResult, Report, Status, render
from tfp_flows.grading.formats import github

SOLUTION = (Path(__file__).parent / "solution.py").read_text()


@pytest.fixture(scope="module")
def reports(grader, tmp_path_factory):
    """Real reports: of everything right, of nothing, and of one item half right."""
    place = tmp_path_factory.mktemp("formats")
    texts = {
        "right": notebook(*SOLUTION.split("\n\n\n")),
        "empty": notebook(EMPTY),
        "half": notebook(SOLUTION.replace("x * tf.exp(s) + t", "x * tf.exp(s) - t")),
    }
    found = {}
    for name, text in texts.items():
        path = place / f"{name}.ipynb"
        path.write_text(text)
        found[name] = grader.grade(path, name=path.name)
    return found


RUBRIC = """
names = { tf = "tensorflow" }
[[items]]
id = "double"
points = 2
check = "values"
settings = { arguments = [{ shape = [3] }] }
deductions = { dtype = 0.25 }
"""
SHARES = {"right": 1.0, "empty": 0.0, "half": 0.95}


@pytest.mark.parametrize("name", SHARES)
def test_coursera(name, reports):
    result = json.loads(render(reports[name], "coursera"))
    assert set(result) == {"fractionalScore", "feedback"}
    assert type(result["fractionalScore"]) is float
    assert result["fractionalScore"] == pytest.approx(SHARES[name])
    assert 0 <= result["fractionalScore"] <= 1
    assert result["feedback"].strip()
    assert all(item in result["feedback"] for item in ("forward", "realnvp_block"))


@pytest.mark.parametrize("name", SHARES)
def test_gradescope(name, reports):
    result = json.loads(render(reports[name], "gradescope"))
    expected = {"score", "execution_time", "output", "output_format", "visibility"}
    assert set(result) == {*expected, "stdout_visibility", "tests"}
    assert result["score"] == pytest.approx(100 * SHARES[name])
    assert isinstance(result["execution_time"], int)
    assert len(result["tests"]) == 9
    assert sum(test["score"] for test in result["tests"]) == pytest.approx(result["score"])
    assert sum(test["max_score"] for test in result["tests"]) == 100
    for test, item in zip(result["tests"], reports[name].items, strict=True):
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
        assert test["name"] == item.id
        assert test["output"] == item.message != ""
        assert test["visibility"] in ("visible", "hidden", "after_due_date", "after_published")
        assert isinstance(test["number"], str)


@pytest.mark.parametrize("name", SHARES)
def test_github(name, reports):
    text = render(reports[name], "github")
    result = json.loads(text)
    assert result["version"] == 1
    assert result["max_score"] == 100
    assert result["status"] == ("pass" if name == "right" else "fail")
    assert sum(test["score"] for test in result["tests"]) == pytest.approx(100 * SHARES[name])
    assert {test["status"] for test in result["tests"]} <= {"pass", "fail", "error"}
    key, _, encoded = github.step_output(text).strip().partition("=")
    assert key == "result"
    assert json.loads(base64.b64decode(encoded)) == result


@pytest.mark.parametrize("name", SHARES)
def test_nbgrader(name, reports):
    book = nbformat.reads(render(reports[name], "nbgrader"), as_version=4)
    nbformat.validate(book)
    points = 0.0
    for cell, item in zip(book.cells, reports[name].items, strict=True):
        metadata = cell.metadata["nbgrader"]
        assert metadata["schema_version"] == 3
        assert (metadata["grade"], metadata["locked"], metadata["solution"]) == (True, True, False)
        assert metadata["task"] is False
        assert metadata["cell_type"] == cell.cell_type == "code"
        assert metadata["grade_id"] == f"test_{item.id}"
        points += _as_nbgrader_reads(cell)
        compile(cell.source, "cell", "exec")
    assert points == pytest.approx(100 * SHARES[name])


def _as_nbgrader_reads(cell):
    """Errors and standard error give nothing, a number partial credit, anything else all."""
    maximum = float(cell.metadata["nbgrader"]["points"])
    for output in cell.outputs:
        if output.output_type == "error" or output.get("name") == "stderr":
            return 0.0
        if output.output_type == "execute_result":
            partial = float(output["data"]["text/plain"])
            assert 0 < partial <= maximum
            return partial
    return maximum


def test_cells_for_nbgrader_grade_again(tmp_path, capfd):
    """Of a rubric of one's own and a submission elsewhere; nothing may go to standard error."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "rubric.toml").write_text(RUBRIC)
    (folder / "reference.py").write_text("def double(x):\n    return 2 * x\n")
    path = tmp_path / "half.py"
    path.write_text("def double(x):\n    return tf.cast(2 * x, tf.float64)\n")
    with Grader(folder) as grader:
        report = grader.grade(path, name="half")
    (cell,) = nbformat.reads(render(report, "nbgrader"), as_version=4).cells
    *statements, last = ast.parse(cell.source).body
    names = {}
    exec(compile(ast.Module(statements, []), "cell", "exec"), names)
    assert eval(compile(ast.Expression(last.value), "cell", "eval"), names) == 1.5
    assert _as_nbgrader_reads(cell) == 1.5
    printed = capfd.readouterr()
    assert "float64" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize("name", SHARES)
def test_json_and_text(name, reports):
    report = reports[name]
    result = json.loads(render(report, "json"))
    assert result["percent"] == pytest.approx(100 * SHARES[name])
    assert [item["id"] for item in result["items"]] == [item.id for item in report.items]
    text = render(report, "text")
    assert f"{report.points:g} of 100 points" in text
    assert "Isolation: " in text
    if name != "empty":  # of which nothing was run
        assert result["isolation"]
        assert "Graded with tf_keras." in text
    for item in report.items:
        assert f"{item.id}: {item.points:g} / {item.maximum:g}, {item.status.value}" in text


def test_no_format_tells_the_answer(reports):
    """Messages say what is wrong; no line of the reference is in them."""
    for form in FORMATS:
        text = render(reports["half"], form)
        assert "sign of the shift" in text
        for line in ("tf.exp(-s)", "x * tf.exp(s) + t", "tf.tanh"):
            assert line not in text


def _hostile_report():
    message = "\x1b[2Jred\udcff <script>alert(1)</script>\u202e\n</pre>"
    item = ItemResult("forward", 0.0, 10.0, Status.error, message)
    return Report("=cmd|'/c calc'!A0\x1b.py", "realnvp", (item,), notes=(message,), output=message)


@pytest.mark.parametrize("form", FORMATS)
def test_words_of_a_submission_are_text_and_nothing_else(form):
    text = render(_hostile_report(), form)
    text.encode()
    assert all(character.isprintable() or character in "\n\t" for character in text)
    if form != "text":
        json.loads(text, parse_constant=lambda name: pytest.fail(name))


def test_numbers_are_finite_and_within_bounds():
    item = ItemResult("forward", 1 / 3, 10.0, Status.partial, "half")
    report = Report("x", "realnvp", (item, item, item))
    assert math.isfinite(report.fraction)
    assert report.points == pytest.approx(1.0)
    nothing = Report("x", "realnvp", ())
    assert json.loads(render(nothing, "coursera"))["fractionalScore"] == 0
    almost = ItemResult("forward", 9.99999, 10.0, Status.partial, "nearly")
    assert Report("x", "realnvp", (almost,)).percent < 100


def test_unknown_format_is_refused():
    with pytest.raises(InputError, match="Unknown format 'jsn'; did you mean 'json'"):
        render(_hostile_report(), "jsn")
