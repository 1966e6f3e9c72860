"""The benchmark of toys: a short run of one flow, and what it reports."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.toys import worker
from benchmarks.toys.__main__ import app
from benchmarks.toys.flows import FLOWS
from tfp_flows import datasets
from tfp_flows.datasets import TOYS
from tfp_flows.flows.catalogue import RECIPES


def test_a_short_run_reports_divergences_where_the_truth_is_known(tmp_path):
    out = tmp_path / "new" / "toys.json"
    arguments = ["--toys", "u1", "two_moons", "--flows", "planar", "--seconds", "1"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text())["flows"]["planar"]
    assert result["toys"]["u1"]["kl"] > 0
    assert "kl" not in result["toys"]["two_moons"]
    table = out.with_suffix(".md").read_text()
    assert "two_moons (log-lik.)" in table
    assert f"{result['toys']['u1']['kl']:.3f}" in table
    assert f"| planar | {result['parameters']:,} |" in table


@pytest.mark.parametrize("toy", ["u1", "checkerboard", "eight_gaussians"])
def test_exact_densities_integrate_to_one(toy):
    axis = np.linspace(-6, 6, 1201)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32)
    mass = np.exp(worker.exact_log_prob(toy, grid)).sum() * 0.01**2
    assert mass == pytest.approx(1, abs=0.01)


def test_every_flow_of_vectors_is_there():
    recipes = {recipe for recipe, _ in FLOWS.values()}
    of_vectors = {name for name, row in RECIPES.items() if row.event == "vector"}
    # The support of one is not that of the toys, and another is slow to train on data.
    assert recipes == of_vectors - {"softsign_bimodal", "iaf"}
    assert datasets.toy("u1", 3).shape == (3, 2)


def test_unknown_names_are_refused(tmp_path):
    done = CliRunner().invoke(app, ["--flows", "mfa", "--out", str(tmp_path / "x.json")])
    assert done.exit_code == 2
    assert "did you mean 'maf'" in done.output
    assert set(TOYS) >= {"u1", "two_moons"}
