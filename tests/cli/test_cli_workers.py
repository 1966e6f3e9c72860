"""`fit` on several devices and workers: the recipe of the documentation, and what is refused."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import worker_processes as processes
from commands import bad

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("environment", "options", "words"),
    [
        ("{worker", [], "TF_CONFIG is not JSON"),
        ("", ["--devices", "some"], "--devices is 'some'; give a number above 0, or all"),
        ("", ["--devices", "2", "--kind", "targets", "--flow", "realnvp"], "train on one device"),
    ],
)
def test_what_is_refused(environment, options, words, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", environment)
    np.save(tmp_path / "table.npy", np.zeros((9, 2)))
    out = tmp_path / "run"
    assert words in bad("fit", tmp_path / "table.npy", *options, "--out", out)
    assert not out.exists()


def recipe(folder):
    """The script of the page, with ports that are free, and a command for it to find."""
    page = (ROOT / "docs" / "distributed.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    for old, new in zip(("23451", "23452"), processes.free_ports(2), strict=True):
        assert old in script
        script = script.replace(old, str(new))
    command = folder / "bin" / "tfp-flows"
    if not command.exists():
        command.parent.mkdir()
        command.write_text(f"#!{sys.executable}\nfrom tfp_flows.cli import main\nmain()\n")
        command.chmod(0o755)
        np.save(folder / "table.npy", np.random.default_rng(0).normal(size=(300, 2)) * 3 + 1)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TF_CONFIG": ""}
    return script, environment


def run(folder, *options):
    script, environment = recipe(folder)
    return subprocess.Popen(
        ["bash", "-c", script, "recipe", *options],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.deep
def test_the_recipe_trains_is_killed_and_goes_on(tmp_path):
    state = tmp_path / "run" / "training_state.npz"
    first = run(tmp_path, "--epochs", "60", "--patience", "60")
    until = time.monotonic() + 120
    while not state.exists() and time.monotonic() < until:
        time.sleep(0.2)
    assert state.exists(), first.communicate(timeout=60)[0]
    (victim,) = children(first.pid, '"index": 1')
    os.kill(victim, signal.SIGKILL)
    said, _ = first.communicate(timeout=90)
    assert first.returncode == 1
    assert "Error: Another of 2 workers is gone or cannot be reached, so worker 0 has" in said
    assert said.count("Error: ") == 1
    assert "What is done is kept: give --resume." in said
    again = run(tmp_path, "--resume", "--epochs", "60", "--patience", "60")
    said, _ = again.communicate(timeout=200)
    assert again.returncode == 0, said
    assert said.count("Written to run") == 1
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    history = metrics["training"]["history"]["loss"]
    assert len(history) == metrics["training"]["epochs"] > 1
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"metrics.json", "model.keras"}


def children(parent, word):
    """Processes below one whose environment has a word."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            below = folder.name.isdecimal() and int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
            if below == parent and word in (folder / "environ").read_text():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found
