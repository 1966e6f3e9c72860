"""The benchmark of GPUs: its smoke run on a CPU, and where there is no GPU."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import report
from benchmarks.gpu.cases import CASES, SMALL


def test_a_smoke_run_measures_each_way(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "gpus", list)
    out = tmp_path / "gpu.json"
    arguments = ["--smoke", "--flows", "realnvp", "--seconds", "0.01", "--threads", "1"]
    done = CliRunner().invoke(command.app, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text())["devices"]["CPU"]["realnvp"]
    ways = ["float32, XLA", "float32, graph", "bfloat16, XLA", "bfloat16, graph"]
    assert list(result["results"]) == ways
    for found in result["results"].values():
        assert set(found) == {"training", "log_prob", "sample"}
        assert min(found.values()) > 0
    assert "| realnvp, bfloat16, graph |" in out.with_suffix(".md").read_text()


def test_without_a_gpu_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "gpus", list)
    done = CliRunner().invoke(command.app, ["--out", str(tmp_path / "x.json")])
    assert done.exit_code == 2
    assert "TensorFlow sees no GPU on this machine; run this where it does" in done.output
    done = CliRunner().invoke(command.app, ["--flows", "glo", "--smoke"])
    assert done.exit_code == 2
    assert "did you mean 'glow'" in done.output


def test_the_gpu_stands_beside_the_cpu():
    found = {"training": 12.34, "log_prob": 5000.0, "sample": 70.0}
    failing = {"message": "no kernel"}
    record = {
        "machine": {"processor": "P", "python": "3"},
        "devices": {
            "CPU": {"maf": {"status": "ok", "results": {"float32, XLA": found}}},
            "GPU": {
                "maf": {
                    "status": "ok",
                    "device_name": "G",
                    "results": {"float32, XLA": {**found, "training": 1234.0}, "x": failing},
                }
            },
        },
    }
    text = report.markdown(record)
    assert "| flow | steps/s, CPU | steps/s, GPU | densities/s, CPU |" in text
    assert "| maf, float32, XLA | 12.3 | 1,234 | 5,000 | 5,000 | 70 | 70 |" in text
    assert "- G." in text
    assert "- maf, x, GPU: no kernel" in text


@pytest.mark.parametrize("name", CASES)
def test_sizes_are_arguments_of_the_recipe(name):
    assert set(SMALL[name]) == set(CASES[name].options)
