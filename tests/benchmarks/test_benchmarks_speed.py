"""The speed benchmark: its counts, its bookkeeping, and one small run without a look at times."""

import json
import subprocess
import sys

import numpy as np
import pytest

import tfp_flows as tff
from benchmarks.speed import profile, results, tables, targets
from benchmarks.speed.cases import HIDDEN_UNITS, Case


@pytest.mark.parametrize("flow", ["maf", "iaf", "realnvp"])
@pytest.mark.parametrize("dims", [6, 7])
def test_counts_are_those_of_our_flows(flow, dims):
    case = Case(flow, dims, (16, 16), 10)
    built = getattr(tff.flows, flow)(
        event_shape=dims, num_layers=case.layers, hidden_units=(16, 16), standardize=False
    )
    shapes = [tuple(v.shape) for v in built.trainable_variables]
    assert sum(int(np.prod(shape)) for shape in shapes) == case.dense_parameters()
    weights = sum(int(np.prod(shape)) for shape in shapes if len(shape) == 2)
    assert case.training_flops() == 6 * 10 * weights


def record(seconds):
    """A case in which each library took the given seconds for everything."""
    entries = [
        {
            "library": library,
            "variant": "default",
            "operations": {
                name: {"rounds": [[value, value]]} for name in ("train", "log_prob", "sample")
            },
        }
        for library, value in seconds.items()
    ]
    for entry in entries:
        results.summarise(entry)
    case = {"flow": "maf", "dims": 43, "hidden_units": [512, 512], "batch": 1000}
    rates = {"case": {"tensorflow": 100.0}, "square": {"tensorflow": 200.0}}
    return {
        "case": case,
        "entries": entries,
        "training_flops": 9e9,
        "gflops": {"before": rates, "after": rates},
    }


def test_targets_compare_with_the_named_peer_and_the_fastest():
    case = record({"tfp_flows": 0.1, "flowjax": 0.2, "zuko": 0.16})
    judged = {j.what: j for j in targets.judge({"cases": [case], "libraries": {}})}
    train = judged["maf train, D=43, batch 1000, tfp_flows / flowjax"]
    assert (train.measured, train.verdict) == ("0.5", "met")
    train = judged["maf train, D=43, batch 1000, tfp_flows / zuko"]
    assert (train.measured, train.verdict) == ("0.625", "missed")
    fastest = next(j for what, j in judged.items() if "sample, D=43" in what)
    assert "zuko" in fastest.what + fastest.measured
    assert fastest.verdict == "missed"
    unknown = judged["realnvp train, D=43, batch 100, tfp_flows / flowjax"]
    assert unknown.verdict == "not measured"
    assert results.share(case, 0.1, "case") == pytest.approx(0.9)
    assert results.share(case, 0.1, "square") == pytest.approx(0.45)


def test_live_and_frozen_stand_beside_the_fastest_peer():
    case = record({"tfp_flows": 0.4, "flowjax": 0.2, "zuko": 0.16})
    assert tables.frozen_table({"cases": [case]}) is None
    for name, seconds in (("log_prob_frozen", 0.12), ("log_prob_fixed", 0.08)):
        case["entries"][0]["operations"][name] = {"rounds": [[seconds]]}
    results.summarise(case["entries"][0])
    (row,) = tables.frozen_table({"cases": [case]}).rows
    assert row == ("maf, D=43, batch 1000", "400", "120", "80", "160 zuko", "0.75", "0.50")


def run(*arguments, folder):
    command = [sys.executable, "-m", "benchmarks.speed", *arguments, "--out", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--libraries", "zucko"], "zuko"),
        (["--flows", "mof"], "maf"),
        (["--dims", "5"], "5"),
        (["--python", "flowjax=/nowhere/python"], "/nowhere/python"),
        (["--threads", "1000"], "cores"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, tmp_path):
    result = run(*arguments, folder=tmp_path / "out")
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out" / "speed.json").exists()


@pytest.mark.slow
def test_measures_ours_and_resumes(tmp_path):
    arguments = ["--flows", "maf", "--dims", "6", "--batches", "100", "--rounds", "1"]
    arguments += ["--libraries", "tfp_flows", "--seconds", "0.05", "--threads", "1"]
    result = run(*arguments, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    saved = json.loads((tmp_path / "speed.json").read_text())
    (entry,) = saved["cases"][0]["entries"]
    assert {"train", "log_prob", "log_prob_frozen", "log_prob_fixed", "sample_eager"} <= set(
        entry["operations"]
    )
    assert all(o["median_s"] > 0 for o in entry["operations"].values())
    case = Case("maf", 6, HIDDEN_UNITS[6], 100)
    assert saved["cases"][0]["training_flops"] == case.training_flops()
    assert "## maf, D=6, hidden 128x128, batch 100" in (tmp_path / "speed.md").read_text()
    again = run(*arguments, "--resume", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "speed.json").read_text())["cases"] == saved["cases"]


def test_parts_of_a_profile_sum_to_the_whole():
    names = ("empty", "captures", "layout", "no products", "frozen", "no masks", "whole")
    many = dict(zip(names, (1.0, 2.0, 3.0, 5.0, 10.0, 14.0, 16.0), strict=True))
    one = many | {"frozen": 12.0, "no products": 5.0}
    parts = profile.density_parts(many, one)
    assert sum(parts.values()) == many["whole"]
    assert parts["kernels, one thread"] == 7.0
    assert parts["threads"] == -2.0
    assert parts["not explained"] == 16.0 - (1 + 1 + 2 + 2 + 2 + 7 - 2)
    shown = profile.table("maf-log_prob-100", parts, many, 2)
    assert shown.rows[-1] == ("sum", "16000.000", "100%")
    assert any("empty function" in note for note in shown.notes)
    names = ("captures", "products", "gradients", "no masks", "program", "whole")
    many = dict(zip(names, (1.0, 4.0, 7.0, 8.0, 9.0, 11.0), strict=True))
    parts = profile.training_parts(many, many | {"products": 5.0})
    assert sum(parts.values()) == many["whole"]
    assert parts["threads"] == -1.0


@pytest.mark.slow
def test_a_profile_is_printed():
    arguments = ["--rows", "maf-train-100", "--seconds", "0.02", "--threads", "1"]
    command = [sys.executable, "-m", "benchmarks.speed.profile", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert result.returncode == 0, result.stderr
    for word in ("captured variables", "masks", "kernels", "threads", "sum"):
        assert word in result.stdout
