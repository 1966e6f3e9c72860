"""The benchmark of images: bookkeeping and messages, and a short run of ours, on made-up images."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import isolated
from benchmarks.images import __main__ as command
from benchmarks.images import loop, report, worker
from benchmarks.images.models import MODELS, Model
from tfp_flows.datasets import load_images


@pytest.fixture
def images(tmp_path):
    generator = np.random.default_rng(0)
    pixels = np.repeat(generator.integers(0, 256, (60, 4, 4, 1), np.uint8), 8, axis=1)
    np.save(tmp_path / "images.npy", np.repeat(pixels, 8, axis=2))
    return tmp_path / "images.npy"


def invoke(*arguments):
    return CliRunner().invoke(command.app, [str(argument) for argument in arguments])


def test_batches_hold_each_image_once_an_epoch():
    images = np.arange(10)[:, None]
    stream = loop.batches(images, 4, 0)
    epoch = np.concatenate([next(stream) for _ in range(2)])
    assert len(np.unique(epoch)) == 8


def test_a_short_run_of_ours_counts_bits_of_bytes(images):
    recipe = {"levels": 1, "depth": 1, "channels": 2, "batch_size": 16, "learning_rate": 1e-3}
    job = {"path": images, "model": "ours", "recipe": recipe, "minutes": 0.001, "seed": 0}
    result, bits = worker.run({**job, "threads": 2})
    sizes = load_images(images, size=32).sizes
    assert bits.shape == (sizes.test,)
    assert result["bits_per_dim"] == pytest.approx(bits.mean())
    # ActNorm has seen the data; uniform bytes have 8 bits, and hardly anything is learned.
    assert 4 < result["bits_per_dim"] < 9
    assert result["parameters"] > 0
    assert report.cells("ours", result)[0] == "ours"


def test_what_is_not_installed_is_said(images, tmp_path, monkeypatch):
    monkeypatch.setattr(
        command, "MODELS", {**MODELS, "x": Model("tfp_glow", ("a_package_that_is_not_there",))}
    )
    out = tmp_path / "new" / "images.json"
    done = invoke("--data", images, "--models", "x", "--out", out)
    assert done.exit_code == 0
    record = json.loads(out.read_text())
    run = record["data"][0]["models"]["x"]
    assert run == {
        "status": "not installed",
        "message": "pip install a_package_that_is_not_there",
    }
    assert "not installed" in out.with_suffix(".md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "norm"], "did you mean 'normflows'"),
        (["--out", "results.txt"], "give the name of a .json file"),
        (["--data", "absent.npy"], "there is no such file"),
    ],
)
def test_wrong_arguments(images, options, message):
    done = invoke("--data", images, *options)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9; memory may have run out"),
        ("raise ValueError('too flat')", "ValueError: too flat"),
    ],
)
def test_a_worker_that_ends_early_is_reported(tmp_path, monkeypatch, code, message):
    (tmp_path / "ends_early.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    result, scores = isolated.launch("ends_early", {}, [], 1)
    assert (result, scores) == ({"status": "failed", "message": message}, None)
