"""The course: every notebook runs from top to bottom, answers included, and is saved as it ran."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "course_notebooks"
LESSONS = sorted(path.stem for path in COURSE.glob("0*.ipynb"))
ASSIGNMENT = COURSE / "assignment_realnvp"
NOTEBOOKS = [*(COURSE / f"{name}.ipynb" for name in LESSONS), *sorted(ASSIGNMENT.glob("*.ipynb"))]
LARGEST = 2_000_000  # bytes

ANSWER = re.compile(r"<details>(.*?)</details>", re.DOTALL)
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def saved_text(cell):
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield from (str(data) for kind, data in output.get("data", {}).items() if "text" in kind)


def has_picture(cell):
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def execute(notebook, folder, allow_errors=False):
    client = NotebookClient(
        notebook,
        timeout=500,
        kernel_name="python3",
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()


def with_answers(notebook):
    """Each answer's code becomes a cell after the text that holds it."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            for answer in ANSWER.findall(cell.source):
                cells.extend(nbformat.v4.new_code_cell(code) for code in FENCE.findall(answer))
    notebook.cells = cells
    return notebook


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Kernels import this checkout, train little, and share two cores."""
    monkeypatch.setenv("TFP_FLOWS_SHORT", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def test_all_lessons_are_there():
    assert [name[:2] for name in LESSONS] == [
        f"{number:02d}" for number in range(1, 1 + len(LESSONS))
    ]
    assert len(LESSONS) >= 7


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_notebook(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert path.stat().st_size < LARGEST
    cells = code_cells(notebook)
    assert "%pip install" in cells[0].source
    assert "find_spec" in cells[0].source
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in cells:
        assert all(output.output_type != "error" for output in cell.outputs), cell.source
        for text in saved_text(cell):
            assert "Traceback (most recent call last)" not in text, cell.source
            assert not re.search(r"/(home|root|tmp|Users|work)/", text), text
    if path.stem == "student":
        assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    else:
        # Saved after one run, from top to bottom.
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LESSONS)
def test_lesson_runs(name):
    saved = read(COURSE / f"{name}.ipynb")
    shown = {cell.id: has_picture(cell) for cell in code_cells(saved)}
    answers = sum(
        len(FENCE.findall(part)) for cell in saved.cells for part in ANSWER.findall(cell.source)
    )
    assert answers >= 3
    assert any(shown.values())
    notebook = with_answers(read(COURSE / f"{name}.ipynb"))
    execute(notebook, COURSE)
    fresh = {cell.id: has_picture(cell) for cell in code_cells(notebook)}
    assert {key: fresh[key] for key in shown} == shown


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
