"""Posteriors from the command line: a conjugate model against what is exact, files, bad input."""

import json
import math
import sys

import numpy as np
import pandas as pd
import pytest
from commands import bad, good

import tfp_flows as tff

FIT = ["--kind", "posteriors", "--batch-size", 32, "--epochs", 2, "--evaluation-draws", 500]
FIT = [*FIT, "--flow", "full_rank"]
HEAD = "import tensorflow as tf\nimport tensorflow_probability as tfp\ntfd = tfp.distributions\n"
MODEL = HEAD + (
    "import tfp_flows as tff\n"
    "joint = tfd.JointDistributionNamed({\n"
    "    'mean': tfd.Sample(tfd.Normal(0.0, 2.0), 2),\n"
    "    'y': lambda mean: tfd.Independent(tfd.Normal(mean, 1.0), 1),\n"
    "})\n"
    "def made():\n    return joint\n"
    "def pair():\n    return joint, {'y': [1.0, -2.0]}\n"
    "target = tff.vi.Target(joint, observed={'y': [1.0, -2.0]})\n"
    "def fails():\n    raise KeyError('nothing here')\n"
    "number = 3\n"
    "def counts():\n"
    "    return tfd.JointDistributionNamed({'k': tfd.Poisson(2.0), 'y': tfd.Normal(0.0, 1.0)})\n"
    "def depends():\n"
    "    return tfd.JointDistributionNamed({'low': tfd.Normal(0.0, 1.0),\n"
    "        'x': lambda low: tfd.Uniform(low, low + 1.0), 'y': tfd.Normal(0.0, 1.0)})\n"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posteriors")
    (folder / "model.py").write_text(MODEL)
    (folder / "y.json").write_text('{"y": [1.0, -2.0]}')
    np.savez(folder / "y.npz", y=np.array([1.0, -2.0]))
    (folder / "list.json").write_text("[1.0, -2.0]")
    (folder / "half.json").write_text('{"y": [1.0')
    (folder / "other.json").write_text('{"yy": [1.0, -2.0]}')
    return folder


@pytest.fixture(scope="module")
def run(place):
    out = place / "run"
    model = f"{place / 'model.py'}:joint"
    done = good("fit", model, *FIT, "--observed", place / "y.json", "--out", out)
    assert "Good: " in done.stdout
    assert "mean[1]" in done.stdout
    return out


def test_a_conjugate_model(run):
    """Evidence, means and deviations of two normal means are known."""
    metrics = json.loads((run / "metrics.json").read_text())
    test = metrics["test"]
    exact = -math.log(2 * math.pi * 5) - (1 + 4) / 10
    assert abs(test["log_normaliser"] - exact) < 0.01
    assert test["headline"]["value"] <= exact + 0.01
    for name, mean in (("mean[0]", 0.8), ("mean[1]", -1.6)):
        row = test["summary"][name]
        assert abs(row["mean"] - mean) < 5 * row["mcse"]
        assert abs(row["sd"] - math.sqrt(0.8)) < 0.15
    assert metrics["data"]["parts"] == {"mean": [2]}
    assert metrics["flow"]["name"] == "full_rank"
    opened = tff.open_run(run)
    whole = opened.model.attached(opened.source().target)
    assert abs(whole.log_evidence.value - exact) < 0.01
    assert opened.model.kind == "posteriors"


@pytest.mark.deep
def test_draws_as_tables_and_arrays(run, tmp_path):
    good("sample", run, "-n", 400, "--seed", 3, "-o", tmp_path / "draws.csv")
    table = pd.read_csv(tmp_path / "draws.csv")
    assert list(table.columns) == ["mean[0]", "mean[1]"]
    draws = tff.open_run(run).model.draws(400, 3)["mean"]
    np.testing.assert_allclose(table.to_numpy(), draws, rtol=1e-6)
    good("sample", run, "-n", 400, "--resample", "-o", tmp_path / "weighed.npy")
    assert abs(np.load(tmp_path / "weighed.npy").mean(0) - [0.8, -1.6]).max() < 0.3
    said = good("chains", run, "-n", 60, "--warm-up", 40, "-o", tmp_path / "chains.parquet").stdout
    assert "r_hat" in said
    assert len(pd.read_parquet(tmp_path / "chains.parquet")) == 240


def test_draws_for_arviz(run, tmp_path):
    arviz = pytest.importorskip("arviz")
    good("sample", run, "-n", 40, "-o", tmp_path / "draws.nc")
    good("chains", run, "-n", 20, "--warm-up", 20, "-o", tmp_path / "chains.nc")
    assert arviz.from_netcdf(tmp_path / "draws.nc").posterior["mean"].shape == (1, 40, 2)
    assert arviz.from_netcdf(tmp_path / "chains.nc").posterior["mean"].shape == (4, 20, 2)


def test_without_arviz(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz", None)
    for verb in ("sample", "chains"):
        said = bad(verb, run, "-o", tmp_path / "draws.nc")
        assert 'pip install "tfp-flows[vi]"' in said


@pytest.mark.deep
@pytest.mark.parametrize("name", ["made", "pair", "target"])
def test_ways_to_give_a_model(run, place, name):
    observed = ["--observed", place / "y.npz"] if name == "made" else []
    out = place / name
    good("fit", f"{place / 'model.py'}:{name}", *FIT, *observed, "--no-plots", "--out", out)
    one, two = (tff.open_run(folder).metrics["test"] for folder in (run, out))
    assert abs(one["log_normaliser"] - two["log_normaliser"]) < 1e-3


@pytest.mark.parametrize(
    ("name", "observed", "message"),
    [
        ("joint", None, "no observations"),
        ("joint", "other.json", "did you mean 'y'"),
        ("joint", "list.json", "give values by name"),
        ("joint", "half.json", "cannot be read as json"),
        ("joint", "model.py", "give a .json or an .npz file"),
        ("jiont", "y.json", "has no 'jiont'"),
        ("number", "y.json", "is no joint distribution of TFP"),
        ("fails", "y.json", "fails with KeyError: 'nothing here'"),
        ("counts", "y.json", "sum it out of the model"),
        ("depends", None, "cannot be saved"),
        ("pair", "y.json", "says what was observed; leave --observed out"),
        ("target", "y.json", "holds its observations already"),
    ],
)
def test_what_will_not_do(place, tmp_path, name, observed, message):
    (tmp_path / "one.json").write_text('{"y": 0.5}')
    given = place / observed if observed else tmp_path / "one.json"
    if name == "counts":
        given = tmp_path / "one.json"
    options = [] if message == "no observations" else ["--observed", given]
    model = f"{place / 'model.py'}:{name}"
    assert message in bad("fit", model, *FIT, *options, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_changed_model_is_noticed(place, run, tmp_path):
    path = place / "model.py"
    before = path.read_text()
    path.write_text(before.replace("2.0), 2)", "3.0), 2)"))
    try:
        assert "has changed since the fit" in bad(
            "sample", run, "--resample", "-o", tmp_path / "draws.csv"
        )
        good("sample", run, "-n", 3, "-o", tmp_path / "draws.csv")
    finally:
        path.write_text(before)
