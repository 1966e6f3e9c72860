"""The snippets of README and docs run as they stand, those of a page in one fresh process."""

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
    script.write_text("\n".join(snippets))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize("page", PAGES)
def test_linked_files_exist(page):
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert ((ROOT / page).parent / link).exists(), link
