"""Reading, running and checking notebooks."""

import base64
import io
import re

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image

LARGEST = 2_000_000  # bytes
TRACEBACK = "Traceback (most recent call last)"
FOLDERS = re.compile(r"/(home|root|tmp|Users|work)/")
# Fonts and versions of matplotlib move edges by a pixel; a picture of something else differs more.
CELLS, MOST = 48, 0.02

ANSWER = re.compile(r"<details>(.*?)</details>", re.DOTALL)
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def answers(notebook):
    """The code in the folded answers of each cell of text."""
    return [
        [code for answer in ANSWER.findall(cell.source) for code in FENCE.findall(answer)]
        if cell.cell_type == "markdown"
        else []
        for cell in notebook.cells
    ]


def with_answers(notebook):
    """Each answer's code becomes a cell after the text that holds it."""
    cells = []
    for cell, codes in zip(notebook.cells, answers(notebook), strict=True):
        cells += [cell, *map(nbformat.v4.new_code_cell, codes)]
    notebook.cells = cells
    return notebook


def execute(notebook, folder, allow_errors=False):
    client = NotebookClient(
        notebook,
        timeout=500,
        kernel_name="python3",
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()


def saved_text(cell):
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield from (str(data) for kind, data in output.get("data", {}).items() if "text" in kind)


def pictures(cell):
    """The pictures of a cell, as bytes of PNG files."""
    found = [output.get("data", {}).get("image/png") for output in cell.get("outputs", [])]
    return [base64.b64decode(picture) for picture in found if picture]


def look_alike(one, other):
    """Whether two PNG files show the same, but for the details of drawing."""
    one, other = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((CELLS, CELLS), Image.BOX))
        for data in (one, other)
    )
    return np.abs(one.astype(float) - other).mean() / 255 < MOST


def check_outputs(notebook, *, ran):
    """Refuses errors, tracebacks and the author's folders in what is saved; and stale counts."""
    cells = code_cells(notebook)
    for cell in cells:
        assert all(output.output_type != "error" for output in cell.outputs), cell.source
        for text in saved_text(cell):
            assert TRACEBACK not in text, cell.source
            assert not FOLDERS.search(text), text
    if ran:
        # Saved after one run, from top to bottom.
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    else:
        assert all(not cell.outputs and cell.execution_count is None for cell in cells)


def check_pictures(saved, fresh):
    """Refuses a saved picture that a run no longer draws, and one that it draws otherwise.

    What a training draws depends on how long it took. The pictures of `tff.figures` do not.
    """
    after = {cell.id: cell for cell in code_cells(fresh)}
    for cell in code_cells(saved):
        before, now = pictures(cell), pictures(after[cell.id])
        assert len(before) == len(now), cell.source
        if "figures.draw(" in cell.source:
            assert before, cell.source
            assert all(map(look_alike, before, now)), cell.source
