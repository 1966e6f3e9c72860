"""Ranks of posteriors that are right, and of those that are not."""

import numpy as np
import pytest

import tfp_flows as tff
from tfp_flows.vi.uniformity import Uniformity

COUNT, DRAWS = 400, 200


def calibrated(width=1.0, shift=0.0, correlation=0.0, seed=1):
    """The posterior of two means, each seen once with unit noise, or another one instead."""
    generator = np.random.default_rng(seed)
    truths = generator.normal(size=(COUNT, 2))
    seen = truths + generator.normal(size=(COUNT, 2))
    factor = np.linalg.cholesky([[1, correlation], [correlation, 1]]) * width * np.sqrt(0.5)
    inverse = np.linalg.inv(factor)

    def log_prob(values):
        return -0.5 * (((values - seen / 2 - shift) @ inverse.T) ** 2).sum(axis=-1)

    draws = seen / 2 + shift + generator.normal(size=(DRAWS, COUNT, 2)) @ factor.T
    return tff.vi.calibrate(truths, draws, (log_prob(truths), log_prob(draws)), names=["a", "b"])


def test_right_posteriors():
    found = calibrated()
    assert found.good, str(found)
    assert list(found.ranks) == ["a", "b", "log_prob", "distance"]
    np.testing.assert_allclose(found.table["mean"], 0.5, atol=0.05)
    np.testing.assert_allclose(found.table["coverage_50"], 0.5, atol=0.08)
    np.testing.assert_allclose(found.table["coverage_90"], 0.9, atol=0.05)
    assert "Good: all 4 ranks" in str(found)


@pytest.mark.parametrize(
    ("options", "wrong", "said"),
    [
        ({"width": 0.7}, {"a", "b", "log_prob", "distance"}, "too sure"),
        ({"width": 1.4}, {"a", "b", "log_prob", "distance"}, "less sure than it may be"),
        ({"shift": 0.25}, {"a", "b"}, "draws lie too high"),
        ({"shift": -0.25}, {"a", "b"}, "draws lie too low"),
    ],
)
def test_wrong_posteriors(options, wrong, said):
    found = calibrated(**options)
    assert set(found.wrong) >= wrong
    assert said in str(found)
    assert "Not good" in str(found)


@pytest.mark.parametrize("width", [0.7, 1.4])
def test_coverage_is_that_of_too_narrow_and_too_wide_gaussians(width):
    found = calibrated(width=width)
    exact = 1 - 0.1 ** (width**2)  # of a circle that holds 90 % of the wrong Gaussian
    assert found.table.loc["log_prob", "coverage_90"] == pytest.approx(exact, abs=0.06)
    # A narrow posterior is on average nearer to a place than the truth.
    assert (found.table.loc["distance", "mean"] > 0.5) == (width < 1)


def test_what_no_single_parameter_shows():
    found = calibrated(correlation=0.9)
    assert {"log_prob"} <= set(found.wrong) <= {"log_prob", "distance"}


@pytest.mark.parametrize(("count", "highest"), [(60, 20), (300, 100), (500, 7)])
def test_bands_hold_uniform_ranks_as_often_as_they_say(count, highest):
    uniform = Uniformity(count, highest)
    generator = np.random.default_rng(2)
    several = generator.integers(0, highest + 1, (2000, count))
    assert np.mean([uniform.p_value(r) < 0.05 for r in several]) == pytest.approx(0.05, abs=0.02)
    low, high = uniform.band()
    shares = [uniform.shares_below(ranks) for ranks in several]
    inside = np.mean([((low <= s) & (s <= high)).all() for s in shares])
    assert 0.93 < inside < 0.99
    assert uniform.p_value(np.zeros(count)) < 1e-3


def test_a_picture():
    figure = tff.plotting.plot_calibration(calibrated(width=0.7), title="Too sure")
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "95 % band of all",
        "a",
        "b",
        "coverage of densest regions",
        "distances (TARP)",
    ]
    curves = [line.get_ydata() for line in axes.lines[1:]]
    assert max(np.abs(curve).max() for curve in curves) > 0.1


@pytest.mark.parametrize(
    ("truths", "draws", "log_probs", "message"),
    [
        (np.ones((60, 2)), np.ones((9, 60, 3)), None, r"got \(60, 2\) and \(9, 60, 3\)"),
        (np.ones((60, 2)), np.ones((9, 60, 2)), np.ones((9, 61)), r"\[L, N\]"),
        (np.ones((20, 2)), np.ones((9, 20, 2)), None, "20 simulations say little"),
        (np.full((60, 2), np.nan), np.ones((9, 60, 2)), None, "hold NaN"),
    ],
)
def test_what_cannot_be_ranked(truths, draws, log_probs, message):
    log_probs = np.ones(draws.shape[:2]) if log_probs is None else log_probs
    with pytest.raises(tff.InputError, match=message):
        tff.vi.calibrate(truths, draws, (np.ones(len(truths)), log_probs))
