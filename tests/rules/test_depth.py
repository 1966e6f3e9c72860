"""Depth does not leak: every file of tests keeps cases that the quick profile runs."""

import subprocess
import sys
from types import SimpleNamespace

import depth
import pytest


def _item(path, deep):
    return SimpleNamespace(
        path=depth.HERE / path,
        get_closest_marker=lambda name: pytest.mark.deep if deep and name == "deep" else None,
    )


def test_files_of_deep_cases_alone_are_found():
    items = [
        _item("models/test_a.py", True),
        _item("models/test_a.py", False),
        _item("models/test_b.py", True),
        _item("benchmarks/test_c.py", True),
    ]
    assert depth.without_quick_cases(items) == ["models/test_b.py"]


@pytest.mark.deep
def test_the_measure_of_time_and_memory(tmp_path):
    measure = [sys.executable, depth.HERE.parent / ".ci" / "measure.py"]
    # A grandchild that outlives its parent is counted.
    child = "import time; x = bytearray(300 << 20); print('has it', flush=True); time.sleep(2)"
    parent = f"import subprocess as s, sys, time; c = s.Popen([sys.executable, '-c', {child!r}],"
    parent += "stdout=s.PIPE); c.stdout.readline(); time.sleep(1)"
    command = [sys.executable, "-c", parent]
    done = subprocess.run([*measure, "1", "0.25", *command], capture_output=True, text=True)
    assert done.returncode == 1
    assert "that is more than 0.25 GiB" in done.stdout, done.stdout
    quiet = subprocess.run([*measure, "1", "1", *command], capture_output=True, text=True)
    assert quiet.returncode == 0, quiet.stdout
    failing = [sys.executable, "-c", "raise SystemExit(3)"]
    assert subprocess.run([*measure, "1", "1", *failing], capture_output=True).returncode == 3
