"""The map of one column to a normal variable: as many knots as its rows can bear."""

import numpy as np
import pytest

from tfp_flows.tables.marginal import Marginal


def bell(n, rng):
    return rng.standard_normal(n), -0.5 * np.log(2 * np.pi * np.e)


def branches(n, rng):
    """A narrow and a wide normal law, far apart; and minus the entropy of the two."""
    first = rng.uniform(size=n) < 0.4
    x = np.where(first, rng.normal(0, 0.1, n), rng.normal(3, 0.3, n))
    parts = 0.4 * np.log(0.4 / 0.1) + 0.6 * np.log(0.6 / 0.3)
    return x, parts - 0.5 * np.log(2 * np.pi * np.e)


@pytest.mark.parametrize(
    ("law", "rows", "near"), [(bell, 60, 0.1), (bell, 300, 0.05), (branches, 300, 0.2)]
)
def test_few_rows_bear_the_knots_that_they_need(law, rows, near):
    rng = np.random.default_rng(0)
    marginal = Marginal.fit(law(rows, rng)[0])
    x, bound = law(20_000, rng)
    z, log_slope = marginal.forward(x)
    nats = np.mean(log_slope - 0.5 * z**2 - 0.5 * np.log(2 * np.pi))
    assert bound - near < nats < bound + 0.03


def test_it_is_its_own_way_back_and_has_its_slope():
    rng = np.random.default_rng(1)
    marginal = Marginal.fit(branches(500, rng)[0])
    x = np.linspace(-2, 5, 400)
    z, log_slope = marginal.forward(x)
    np.testing.assert_allclose(marginal.inverse(z), x, atol=1e-9)
    step = 1e-6
    ends = [marginal.forward(x + d)[0] for d in (-step, step)]
    slopes = (ends[1] - ends[0]) / (2 * step)
    np.testing.assert_allclose(np.log(slopes), log_slope, atol=0.01)


def test_values_that_are_nearly_all_one_have_a_map():
    x = np.repeat([1.0, 2.0], [500, 2])
    z, log_slope = Marginal.fit(x).forward(x)
    assert np.isfinite(z).all()
    assert np.isfinite(log_slope).all()
    assert z[0] < z[-1]
