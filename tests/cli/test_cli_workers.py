"""`fit` on several devices and workers: the recipe of the documentation, and what is refused."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import worker_processes as processes
from commands import bad

import tfp_flows as tff
from tfp_flows.models import clusters, workers
from tfp_flows.runs.devices import config_of, joined

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("environment", "options", "words"),
    [
        ("{worker", [], "TF_CONFIG is not JSON"),
        ("", ["--devices", "some"], "--devices is 'some'; give a number above 0, or all"),
        ("", ["--devices", "2", "--kind", "targets", "--flow", "realnvp"], "train on one device"),
        ("", ["--devices", "2", "--kind", "agents"], "Fits of agents train on one device"),
        (
            '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}',
            ["--kind", "agents"],
            "Fits of agents train on one device",
        ),
    ],
)
def test_what_is_refused(environment, options, words, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", environment)
    np.save(tmp_path / "table.npy", np.zeros((9, 2)))
    out = tmp_path / "run"
    assert words in bad("fit", tmp_path / "table.npy", *options, "--out", out)
    assert not out.exists()


def test_a_worker_lost_while_a_model_is_built(tmp_path, monkeypatch):
    class Two(workers.Workers):
        """One of two, of whom the other one does not answer."""

        def __init__(self, strategy):
            super().__init__(tf.distribute.get_strategy())
            self.count = 2

    two = types.SimpleNamespace(num_replicas_in_sync=2, scope=contextlib.nullcontext)
    monkeypatch.setattr(clusters, "training_strategy", lambda devices: two)
    monkeypatch.setattr(workers, "Workers", Two)
    # What a worker says whose peer was killed within a broadcast of variables.
    gone = tf.errors.UnavailableError(None, None, "Collective ops is aborted by: Connection reset")
    with (
        pytest.raises(
            tff.InputError, match=r"Another of 2 workers is gone .* worker 0 has stopped"
        ),
        joined("2", tmp_path / "run", "tables", able=True) as on,
        on.scope(),
    ):
        raise gone


def both(folder, options, environments=({}, {}), wait=150):
    """What two workers say who are given other options or surroundings, and their status."""
    addresses = [f"localhost:{port}" for port in processes.free_ports(2)]
    started = []
    for index in (0, 1):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CONFIG": config_of(addresses, index),
            **environments[index],
        }
        program = [sys.executable, "-c", "from tfp_flows.cli import main; main()"]
        command = [*program, "fit", *options[index], "--epochs", "1", "--no-plots", "--out", "run"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, env=environment, cwd=folder, **pipes))
    return processes.ended(started, seconds=wait)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("options", "environments", "words"),
    [
        ((["two.npy"], ["three.npy"]), ({}, {}), "different data"),
        (
            (["two.npy", "--layers", "2"], ["two.npy", "--layers", "1"]),
            ({}, {}),
            "different --layers",
        ),
        (
            (["two.npy"], ["two.npy"]),
            ({"TF_USE_LEGACY_KERAS": "0"}, {"TF_USE_LEGACY_KERAS": "1"}),
            "different versions of Keras (also TF_USE_LEGACY_KERAS)",
        ),
    ],
    ids=["data", "layers", "keras"],
)
def test_workers_that_differ_are_told_apart(options, environments, words, tmp_path):
    for name, columns in (("two", 2), ("three", 3)):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(60, columns)))
    said, status = both(tmp_path, options, environments)
    assert status == [2, 2], said
    errors = [line for line in said[0].splitlines() if line.startswith("Error: ")]
    assert errors == [
        f"Error: Workers 0 and 1 of 2 have {words}; start all with the same data, program and "
        "versions."
    ]
    assert "Traceback" not in said[0] + said[1]
    assert not (tmp_path / "run").exists()


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
    first = run(tmp_path, "--epochs", "30", "--patience", "30")
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
    again = run(tmp_path, "--resume", "--epochs", "30", "--patience", "30")
    said, _ = again.communicate(timeout=200)
    assert again.returncode == 0, said
    assert said.count("Written to run") == 1
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    history = metrics["training"]["history"]["loss"]
    assert len(history) == metrics["training"]["epochs"] > 1
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"metrics.json", "model.keras"}


@pytest.mark.deep
def test_two_devices_train_what_one_trains(tmp_path):
    np.save(tmp_path / "table.npy", np.random.default_rng(0).normal(size=(301, 2)) * 3 + 1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    program = [sys.executable, "-c", "from tfp_flows.cli import main; main()", "fit", "table.npy"]
    # One step an epoch: the rate is that of its step, on one device too.
    options = ["--layers", "2", "--epochs", "4", "--batch-size", "512", "--no-plots"]
    found = []
    for devices in ("1", "2"):
        command = [*program, *options, "--devices", devices, "--out", f"run{devices}"]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, done.stderr
        found.append(json.loads((tmp_path / f"run{devices}" / "metrics.json").read_text()))
    assert [each["training"]["epochs"] for each in found] == [4, 4]
    for name in ("loss", "val_loss"):
        losses = [each["training"]["history"][name] for each in found]
        np.testing.assert_allclose(*losses, rtol=1e-5)
    tests = [each["test"]["headline"]["value"] for each in found]
    assert tests[0] == pytest.approx(tests[1], rel=1e-5)
    names = [{path.name for path in (tmp_path / f"run{n}").iterdir()} for n in (1, 2)]
    assert names == [{"metrics.json", "model.keras"}] * 2


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
