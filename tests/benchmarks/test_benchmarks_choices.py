"""Ways to model classes and gaps: the law, the noise that classes get, and bookkeeping."""

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from typer.testing import CliRunner

from benchmarks.tables import choices, choices_worker
from benchmarks.tables.relaxed import Argmax, Uniform, Variational

REST = np.linspace(-1, 1, 50, dtype=np.float32)[:, None]


def test_the_density_is_that_of_the_draws():
    drawn = choices_worker.law(400_000, 0)
    kind, place, x, y = drawn.values.T
    at = (kind == 0) & (place == np.bincount(place[kind == 0].astype(int)).argmax())
    at &= abs(x - np.median(x[at])) < 0.1
    at &= abs(y - np.median(y[at])) < 0.1
    # One over the density, averaged over the draws in a box, is its volume.
    weights = np.where(at, np.exp(-drawn.log_density), 0)
    error = weights.std() / np.sqrt(len(weights))
    assert error < 0.002
    assert weights.mean() == pytest.approx(0.2**2, abs=4 * error)


def test_the_place_given_the_rest_is_that_of_the_draws():
    drawn = choices_worker.law(400_000, 1)
    kind, place, x, _ = drawn.values.T
    near = (kind == 0) & (abs(x) < 0.3)
    most = np.bincount(place[near].astype(int)).argmax()
    # One over the probability, averaged over the rows of a place, is the share of all places.
    there = near & (place == most)
    weights = np.where(there, np.exp(-drawn.log_place), 0)
    error = weights.std() / np.sqrt(len(weights))
    assert error < 0.05 * near.mean()
    assert weights.mean() == pytest.approx(near.mean(), abs=4 * error)


@pytest.mark.parametrize("relaxed", [Variational, Argmax])
def test_noise_that_is_learned_keeps_probabilities(relaxed):
    bijector = relaxed((2, 3), REST, 1)
    size = bijector.latent_shape[0]
    for first, second in ((0, 0), (1, 2)):
        rows = np.tile(np.float32([first, second, 0.3]), (100_000, 1))
        latents, log_det = bijector.inverse_and_log_det(tf.constant(rows))
        codes = latents.numpy()[:, :-1].astype(float)
        if relaxed is Argmax:
            assert (codes[:, :2].argmax(axis=1) == first).all()
            assert (codes[:, 2:].argmax(axis=1) == second).all()
            expected = 1 / 6
        else:
            assert (np.floor(codes) == [first, second]).all()
            expected = np.prod(
                stats.norm.cdf([first + 1, second + 1]) - stats.norm.cdf([first, second])
            )
        # Of a standard normal law of the latents: importance weights average to the class' share.
        log_law = -0.5 * (codes**2).sum(axis=1) - 0.5 * (size - 1) * np.log(2 * np.pi)
        weights = np.exp(log_law + log_det.numpy())
        error = weights.std() / np.sqrt(len(weights))
        assert weights.mean() == pytest.approx(expected, abs=5 * error + 0.02 * expected)


def test_uniform_noise_stays_within_its_class():
    rows = tf.constant(np.float32([[1, 2, 0.3], [0, 0, -7]]))
    latents, log_det = Uniform((2, 3), 3).inverse_and_log_det(rows)
    np.testing.assert_array_equal(np.floor(latents[:, :2]), rows[:, :2])
    np.testing.assert_array_equal(latents[:, 2], rows[:, 2])
    np.testing.assert_array_equal(log_det, [0, 0])


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    jobs = []

    def launch(module, job, needs, threads):
        jobs.append((job["question"], job["way"]))
        if job["way"] == "argmax":
            return {"status": "failed", "message": "no memory"}, None
        result = {"status": "ok", "gap": 0.5, "gap_error": 0.01, "seconds": 3.0}
        return result | {"parameters": 1234, "rows": 700, "summed_nowhere": 3}, np.zeros(1)

    monkeypatch.setattr(choices.isolated, "launch", launch)
    out = tmp_path / "choices.json"
    assert CliRunner().invoke(choices.app, ["--out", str(out)]).exit_code == 1
    assert jobs == [(question, way) for question, ways in choices.WAYS.items() for way in ways]
    text = out.with_suffix(".md").read_text()
    assert text == choices.markdown(json.loads(out.read_text()))
    assert "| probabilities | 0.500 ± 0.020 |  | 3 | 1,234 |" in text
    assert "| one order | 700 | 0.500 ± 0.020 |  | 3 rows without density | 3 |" in text
    assert "argmax" not in text
    jobs.clear()
    assert CliRunner().invoke(choices.app, ["--out", str(out)]).exit_code == 1
    assert jobs == [("classes", "argmax")]


@pytest.mark.deep
@pytest.mark.parametrize(("question", "way"), [("classes", "uniform noise"), ("gaps", "one order")])
def test_a_way_runs(question, way):
    job = {"question": question, "way": way, "rows": 1000, "epochs": 2, "seed": 0}
    result, gained = choices_worker.run(job)
    assert gained.shape == (1000,)
    assert result["gap"] == pytest.approx(-gained.mean())
    # Short training: short of the law, and nearer than independent uniform columns would be.
    assert 0.3 < result["gap"] < 6
    if question == "classes":
        assert 0 < result["gap"] - result["tighter"] < 1
    else:
        assert result["rows"] == 1000
