"""The tests marked `keras` once more, in a process where `tf.keras` is tf_keras."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    os.environ.get("TF_USE_LEGACY_KERAS") == "1", reason="this is the run under tf_keras"
)
def test_everything_under_tf_keras():
    command = [sys.executable, "-m", "pytest", "-m", "keras", "-n", "0", "-q", "--tb=short"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(Path(__file__).parent)],
        env={**os.environ, "TF_USE_LEGACY_KERAS": "1"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 300
    print(f"\nunder tf_keras: {passed[0]}")
