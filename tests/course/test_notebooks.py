"""The course: every notebook runs from top to bottom, answers included, and is saved as it ran."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from notebooks import (
    LARGEST,
    answers,
    check_outputs,
    check_pictures,
    code_cells,
    execute,
    pictures,
    read,
    with_answers,
)

pytestmark = pytest.mark.notebook
ROOT = Path(__file__).parents[2]
COURSE = ROOT / "course_notebooks"
LESSONS = sorted(path.stem for path in COURSE.glob("[0-9][0-9]_*.ipynb"))
ASSIGNMENT = COURSE / "assignment_realnvp"
NOTEBOOKS = [*(COURSE / f"{name}.ipynb" for name in LESSONS), *sorted(ASSIGNMENT.glob("*.ipynb"))]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Kernels import this checkout, train little, and share two cores."""
    monkeypatch.setenv("TFP_FLOWS_SHORT", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def test_all_lessons_are_there():
    numbers = [int(name[:2]) for name in LESSONS]
    assert len(set(numbers)) == len(numbers)
    assert set(range(1, 15)) <= set(numbers)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_notebook(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert path.stat().st_size < LARGEST
    cells = code_cells(notebook)
    assert "%pip install" in cells[0].source
    assert "find_spec" in cells[0].source
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    check_outputs(notebook, ran=path.stem != "student")


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LESSONS)
def test_lesson_runs(name):
    saved, fresh = (read(COURSE / f"{name}.ipynb") for _ in range(2))
    assert sum(map(len, answers(saved))) >= 3
    assert any(map(pictures, code_cells(saved)))
    execute(with_answers(fresh), COURSE)
    check_pictures(saved, fresh)


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("legacy", ["0", "1"], ids=["keras", "tf_keras"])
def test_solution_passes_its_checks(legacy, monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", legacy)
    notebook = read(ASSIGNMENT / "solution.ipynb")
    execute(notebook, ASSIGNMENT)
    for cell in code_cells(notebook):
        if cell.metadata.get("nbgrader", {}).get("grade"):
            # nbgrader gives no points to a check that writes to standard error.
            assert cell.outputs == [], cell.outputs


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_empty_submission_gets_nothing():
    notebook = read(ASSIGNMENT / "student.ipynb")
    execute(notebook, ASSIGNMENT, allow_errors=True)
    for cell in code_cells(notebook):
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            assert errors == ["NotImplementedError"], cell.source
        elif about:
            assert errors == [], cell.source


def test_student_is_the_solution_without_answers():
    solution, student = read(ASSIGNMENT / "solution.ipynb"), read(ASSIGNMENT / "student.ipynb")
    assert len(solution.cells) == len(student.cells)
    for full, empty in zip(solution.cells[1:], student.cells[1:], strict=True):
        assert full.metadata == empty.metadata
        assert released(full.source) == empty.source
        assert "SOLUTION" not in empty.source
        assert "HIDDEN" not in empty.source


def released(source):
    """What nbgrader makes of a teacher's cell for the students."""
    stub = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
    source = re.sub(r"(?ms)^( *)### BEGIN SOLUTION\n.*?### END SOLUTION", stub, source)
    return re.sub(r"(?s)\n?### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", "", source)


def test_points_and_metadata():
    marked = [
        cell.metadata.nbgrader
        for cell in read(ASSIGNMENT / "solution.ipynb").cells
        if "nbgrader" in cell.metadata
    ]
    keys = {"schema_version", "grade", "locked", "solution", "task", "grade_id"}
    assert all(keys <= set(about) and about.schema_version == 3 for about in marked)
    assert len({about.grade_id for about in marked}) == len(marked)
    points = {about.grade_id: about.points for about in marked if about.grade}
    assert len(points) == 9
    assert sum(points.values()) == 100
    solutions = {about.grade_id for about in marked if about.solution}
    assert {f"test_{name}" for name in solutions} == set(points)


def test_links_of_the_course_exist():
    for path in [COURSE / "README.md", ASSIGNMENT / "README.md"]:
        links = re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text())
        assert links
        for link in links:
            assert (path.parent / link).exists(), link


def test_install_cell_does_nothing_here():
    """Where the package is importable the first cell calls no installer."""
    source = code_cells(read(NOTEBOOKS[0]))[0].source
    script = re.sub(r"(?m)^( *)%pip.*$", r"\1raise SystemExit('installs')", source)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=COURSE
    )
    assert done.returncode == 0, done.stderr


DRAW = """
from matplotlib.figure import Figure

class figures:
    @staticmethod
    def draw(height):
        figure = Figure(figsize=(2, 2))
        figure.subplots().bar([0, 1], [1, height])
        return figure

%matplotlib inline
figures.draw(1)
"""
ANSWERED = "<details>\n\n```python\nassert 1 + 1 == {}\n```\n\n</details>"


def small(draw=DRAW, total=2):
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(draw, id="draw"),
            nbformat.v4.new_markdown_cell(ANSWERED.format(total)),
            nbformat.v4.new_code_cell("print(6 * 7)", id="last"),
        ]
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    notebook = small()
    execute(notebook, tmp_path_factory.mktemp("saved"))
    check_outputs(notebook, ran=True)
    return notebook


def test_an_error_is_caught(tmp_path):
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(small(draw="1 / 0"), tmp_path)


def test_an_error_in_an_answer_is_caught(tmp_path):
    with pytest.raises(CellExecutionError, match="AssertionError"):
        execute(with_answers(small(total=3)), tmp_path)


@pytest.mark.parametrize(
    "planted",
    [
        nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[]),
        nbformat.v4.new_output(
            "stream", name="stderr", text="Traceback (most recent call last):\n  ..."
        ),
        nbformat.v4.new_output(
            "display_data", {"text/html": "<pre>Traceback (most recent call last)</pre>"}
        ),
        nbformat.v4.new_output("stream", text="saved to /home/ada/model.keras"),
    ],
    ids=["error", "printed traceback", "shown traceback", "folder"],
)
def test_a_bad_output_is_caught(saved, planted):
    notebook = copy.deepcopy(saved)
    notebook.cells[-1].outputs.append(planted)
    with pytest.raises(AssertionError):
        check_outputs(notebook, ran=True)


def test_cells_that_were_not_run_in_order_are_caught(saved):
    notebook = copy.deepcopy(saved)
    notebook.cells[-1].execution_count += 1
    with pytest.raises(AssertionError):
        check_outputs(notebook, ran=True)


@pytest.mark.parametrize(
    "draw", [DRAW.replace("draw(1)", "draw(3)"), DRAW.replace("figures.draw(1)", "None")]
)
def test_a_stale_picture_is_caught(saved, draw, tmp_path):
    check_pictures(saved, saved)
    fresh = small(draw=draw)
    execute(fresh, tmp_path)
    with pytest.raises(AssertionError):
        check_pictures(saved, fresh)
