"""The snippets of README and docs run, those of a page in one fresh process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from depth import quick

ROOT = Path(__file__).parents[2]


PAGES = {"README.md": 5, **{f"docs/{path.name}": 1 for path in (ROOT / "docs").glob("*.md")}}
# Those that hold most of what a Keras does: layers, models, embeddings.
OF_BOTH_KERAS = ("README.md",)
# Their short trainings would be compiled for longer than they last.
IN_GRAPHS = "import programs; programs.as_for_users(False)"


def _pages():
    for case in quick(PAGES, "docs/targets.md"):
        marks = [pytest.mark.keras] if case.id in OF_BOTH_KERAS else []
        yield pytest.param(*case.values, marks=[*case.marks, *marks], id=case.id)


@pytest.mark.parametrize("page", _pages())
def test_snippets_run(page, tmp_path):
    text = (ROOT / page).read_text()
    snippets = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(snippets) >= PAGES[page]
    script = tmp_path / "snippets.py"
    first = [] if page == "README.md" else [IN_GRAPHS]
    script.write_text("\n".join([*first, *snippets]))
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize("page", PAGES)
def test_linked_files_exist(page):
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert ((ROOT / page).parent / link).exists(), link
