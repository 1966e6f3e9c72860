"""The benchmark of tails: what counts as held, and its bookkeeping; no flow is trained."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.density import tails
from benchmarks.density.recipes import RECIPES


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table(tmp_path, rng):
    np.save(tmp_path / "table.npy", rng.normal(size=(400, 3)))
    return tmp_path / "table.npy"


def test_ordinary_rows_hold(rng):
    scores = rng.normal(10, 3, 20_000)
    found = tails.tails(scores, scores - 1)
    assert found["held"]
    assert found["below"] == pytest.approx(-1)
    assert found["worst"] == scores.min()
    kept = np.sort(scores)[10:]
    assert found["without"] == pytest.approx(kept.mean())
    assert found["error"] == pytest.approx(kept.std(ddof=1) / np.sqrt(19_990))


def test_one_ruinous_row_does_not(rng):
    gaussian = rng.normal(10, 3, 20_000)
    scores = gaussian + 5
    scores[7] = gaussian[7] - 501
    # The mean hardly moves: by two hundredths, half of a standard error.
    found = tails.tails(scores, gaussian)
    assert found["below"] == pytest.approx(501)
    assert not found["held"]
    scores[7] = gaussian[7] - 499
    assert tails.tails(scores, gaussian)["held"]


def test_rows_that_move_the_mean_do_not(rng):
    scores = np.concatenate([rng.normal(0, 0.01, 1990), np.full(10, -400.0)])
    found = tails.tails(scores, np.zeros(2000))
    assert found["below"] == pytest.approx(400)
    assert not found["held"]


def test_what_is_done_is_not_done_again(table, tmp_path, monkeypatch, rng):
    jobs = []

    def launch(job):
        jobs.append(job)
        if job.model == "ours-naf":
            return {"status": "not installed", "message": "pip install x"}, None
        return {"status": "ok", "steps": 3}, np.arange(4000.0)

    monkeypatch.setattr(tails, "launch", launch)
    out = tmp_path / "tails.json"
    flows = ["--flows", "realnvp-12", "naf", "--seeds", "0", "2"]
    arguments = ["--data", str(table), *flows, "--out", str(out)]
    assert CliRunner().invoke(tails.app, arguments).exit_code == 0
    first = [(job.model, job.recipe.layers, job.seed) for job in jobs]
    assert first == [
        (name, layers, seed)
        for seed in (0, 2)
        for name, layers in (("gaussian", 1), ("ours-realnvp", 12), ("ours-naf", 5))
    ]
    assert jobs[1].recipe.hidden == RECIPES["table"].hidden
    record = json.loads(out.read_text())
    assert record["runs"]["table.npy realnvp-12 2"]["steps"] == 3
    assert record["runs"]["table.npy naf 0"]["message"] == "pip install x"
    text = out.with_suffix(".md").read_text()
    assert text == tails.markdown(record)
    assert text.endswith("Held: 2 of 2.\n")
    jobs.clear()
    assert CliRunner().invoke(tails.app, arguments).exit_code == 0
    assert {job.model for job in jobs} == {"gaussian", "ours-naf"}


def test_an_unknown_flow_is_named(table):
    result = CliRunner().invoke(tails.app, ["--data", str(table), "--flows", "mav"])
    assert result.exit_code == 2
    assert "maf" in result.output
