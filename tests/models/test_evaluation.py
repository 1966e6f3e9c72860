"""The Gaussian beside a flow, and what counts as no density, in any unit."""

import numpy as np
import pytest

import tfp_flows as tff
from tfp_flows.models.evaluation import Density, Draws, Gaussian, draw, hopeless_below

X = np.random.default_rng(0).normal(size=(4000, 2)) @ [[1.0, 0.8], [0.0, 0.6]]


@pytest.mark.parametrize("unit", [1e-200, 1e-21, 1.0, 1e21, 1e200])
def test_the_gaussian_of_any_unit(unit):
    # Correlation 0.8 and variances 1: the entropy is known.
    entropy = np.log(2 * np.pi * np.e) + 0.5 * np.log(1 - 0.8**2) + np.log(unit)
    found = Gaussian.fit(X * [unit, 1.0]).log_density(X * [unit, 1.0])
    assert found.mean() == pytest.approx(-entropy, abs=0.03)
    assert hopeless_below(X * [unit, 1.0]) == pytest.approx(-1000 - np.log(unit), abs=0.05)


@pytest.mark.parametrize("column", [np.full(4000, 0.1), X[:, 0], 1e-21 * X[:, 0]])
def test_no_gaussian_without_a_density(column):
    assert Gaussian.fit(np.stack([X[:, 0], column], axis=1)) is None


def test_one_program_scores_arrays_of_any_length():
    flow = tff.flows.maf(event_shape=2, num_layers=1, hidden_units=[4], seed=0)
    density, traced = Density(flow), []
    own = flow.log_prob
    flow.log_prob = lambda x: traced.append(x.shape[0]) or own(x)
    for count in (3, 1000, 700, 0, 1001, 5):
        found = density(X[:count])
        np.testing.assert_allclose(found, own(X[:count].astype("float32")), rtol=1e-4, atol=1e-5)
    assert traced == [3, 1000]


def test_draws_are_the_same_whichever_come_first():
    flow = tff.flows.maf(event_shape=2, num_layers=1, hidden_units=[4], seed=0)
    whole = draw(flow, 70, 3, batch=20)
    draws = Draws(flow, 70, 3, batch=20)
    np.testing.assert_array_equal(draws(40, 70), whole[40:])
    np.testing.assert_array_equal(draws(0, 40), whole[:40])
