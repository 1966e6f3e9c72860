"""The worked models are told of, and run briefly as they stand."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "inference"
SCRIPTS = sorted(p for p in EXAMPLES.glob("*.py") if "__main__" in p.read_text())
SHORT = {"steps": 100, "draws": 20}
# Half a minute each; the kinds of targets and posteriors run what the others do.
RUN = [path for path in SCRIPTS if path.stem == "eight_schools"]


def options(path):
    """Names of what `main` takes."""
    tree = ast.parse(path.read_text())
    main = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "main")
    return [argument.arg for argument in main.args.args]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_is_told_of(path):
    assert f"(../examples/inference/{path.name})" in (ROOT / "docs/inference.md").read_text()
    assert f"python examples/inference/{path.name}" in ast.get_docstring(
        ast.parse(path.read_text())
    )
    assert "steps" in options(path)


@pytest.mark.deep
@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_runs(path, tmp_path):
    known = options(path)
    few = [f"--{name}={value}" for name, value in SHORT.items() if name in known]
    if "out" in known:
        few.append(f"--out={tmp_path}")
    done = subprocess.run(
        [sys.executable, str(path), *few],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert re.search(r"\d\.\d", done.stdout)
    if "out" in known:
        (picture,) = tmp_path.glob("*.png")
        assert picture.stat().st_size > 10_000
