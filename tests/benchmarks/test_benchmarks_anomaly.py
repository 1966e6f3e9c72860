"""The benchmark of anomalies: tables, detectors, and what a short run reports."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.anomaly import tables
from benchmarks.anomaly.__main__ import app
from benchmarks.anomaly.detectors import DETECTORS


def test_a_short_run_reports_each_detector(tmp_path):
    out = tmp_path / "anomaly.json"
    arguments = ["--tables", "--names", "wine", "--models", "maf", "gaussian", "--seeds", "2"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    results = json.loads(out.read_text())["tables"]["wine"]
    assert list(results) == ["maf", "gaussian"]
    for result in results.values():
        assert result["sizes"] == [[59, 13], [12, 13], [24, 13], [24, 13], [59, 13]]
        assert len(result["auroc"]) == 2
        assert min(result["auroc"]) > 0.85
    text = out.with_suffix(".md").read_text()
    assert f"| gaussian | {np.mean(results['gaussian']['auroc']):.3f} ± " in text
    assert "- wine: 13 columns; 59 / 12 / 24 / 24 / 59 rows" in text


@pytest.mark.parametrize("name", tables.TASKS)
def test_parts_are_dealt_by_the_seed(name):
    one, again, other = (tables.load(name, seed) for seed in (0, 0, 1))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.train[0], other.train[0])
    assert (np.ptp(one.train, axis=0) > 0).all()
    assert len(one.calibration) >= 9  # for a rate of 10 %


def test_scores_are_larger_for_what_is_odd():
    random = np.random.default_rng(0)
    normal = random.standard_normal((300, 3)) @ np.linalg.cholesky(0.9 + 0.1 * np.eye(3)).T
    far = np.full((1, 3), 6.0)
    for name in ("gaussian", "isolation_forest", "lof", "ecod"):
        score = DETECTORS[name].fit(normal[:200], normal[200:250], 0)
        assert score(far)[0] > np.quantile(score(normal[250:]), 0.95), name


def test_tails_by_hand():
    column = np.array([[0.0], [1.0], [2.0], [10.0]])  # skewed to the right
    score = DETECTORS["ecod"].fit(column[:3], column[3:], 0)
    # Beyond all: one of five at least as large; the left tail says nothing.
    np.testing.assert_allclose(score(np.array([[11.0]])), -np.log(1 / 5))
    np.testing.assert_allclose(score(np.array([[-1.0]])), -np.log(1 / 5))
    np.testing.assert_allclose(score(np.array([[1.5]])), -np.log(3 / 5))


def test_what_is_unknown_is_refused(tmp_path):
    for arguments, said in (
        (["--tables", "--names", "wines"], "did you mean 'wine'"),
        (["--tables", "--models", "mfa"], "did you mean 'maf'"),
        ([], "give --tables"),
    ):
        done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "x.json")])
        assert done.exit_code == 2
        assert said in done.output
