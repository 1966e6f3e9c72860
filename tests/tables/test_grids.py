"""Grids that are no powers of ten: converted units, multiples, beginnings of their own."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import tfp_flows as tff
from tfp_flows import tables
from tfp_flows.tables import Schema, TableModel
from tfp_flows.tables.numbers import Real

ROWS = 2_000


def drawn(name):
    """Numbers ``[ROWS]`` as files have them."""
    steps = np.random.default_rng(0).poisson(20, ROWS)
    return {
        "knots": np.round(1.15078 * steps, 5),
        "fahrenheit": np.round(32 + 1.8 * (steps - 25) / 10, 2),
        "fifties": 50 * steps,
        "ends": 50 * steps + 99,
        "share": np.round(0.025 * steps, 3),
        "rounded": np.round(0.01 * steps + 1e-3 * np.arange(ROWS) % 0.5, 2),
    }[name]


GRIDS = {
    "knots": "positive(step=1.15078)",
    "fahrenheit": "positive(step=0.18, origin=0.14)",
    "fifties": "positive(step=50)",
    "ends": "positive(step=50, origin=49)",
    "share": "positive(step=0.025)",
    "rounded": "positive(step=0.01)",
}


def one_column(x):
    frame = pd.DataFrame({"x": x})
    return TableModel.of(Schema.infer(frame), frame, hidden_units=[4], seed=0), frame


@pytest.mark.parametrize("name", GRIDS)
def test_it_is_found_and_every_number_comes_back_as_it_was(name):
    x = drawn(name)
    column = Schema.infer(pd.DataFrame({"x": x})).columns[0]
    assert column.describe() == GRIDS[name]
    column.fit(x)
    back = column.decode(column.encode(x).cells)
    np.testing.assert_array_equal(back, x)
    assert back.dtype == x.dtype


@pytest.mark.parametrize("name", ["fahrenheit", "ends"])
def test_masses_of_its_numbers_sum_to_one(name):
    model, frame = one_column(drawn(name))
    column = model.schema.columns[0]
    grid = column.origin + column.step * np.arange(5_000)
    mass = np.exp(model.log_prob(pd.DataFrame({"x": grid}))) * column.step
    assert mass.sum() == pytest.approx(1, abs=1e-4)
    density = tables.density(model, "x", grid)
    np.testing.assert_allclose(density * column.step, mass, atol=1e-5)
    np.testing.assert_allclose(tables.cdf(model, "x", grid), mass.cumsum(), atol=1e-5)
    samples = model.sample(1_000)["x"].to_numpy()
    assert set(samples) <= set(np.round(grid, 2))
    assert samples.dtype == frame["x"].dtype


def test_numbers_one_apart_stay_whole_numbers_and_few_rows_tell_nothing():
    steps = np.random.default_rng(0).poisson(20, ROWS)
    spread = 1.15078 * np.random.default_rng(1).permutation(50)
    frame = pd.DataFrame({"count": steps})
    assert Schema.infer(frame).columns[0].describe() == "integer(low=0)"
    assert Schema.infer(pd.DataFrame({"x": spread})).columns[0].step is None


def test_steps_of_a_user_keep_all_their_decimals():
    x = 0.3 + 1.125 * np.random.default_rng(0).poisson(20, ROWS)
    given = {"x": {"type": "real", "step": 1.125, "origin": 0.3}}
    column = Schema.infer(pd.DataFrame({"x": x}), given).columns[0]
    column.fit(x)
    np.testing.assert_allclose(column.decode(column.encode(x).cells), x, atol=1e-9)


def test_large_numbers_keep_their_decimals():
    cents = np.round(1_234_567 + 0.01 * np.random.default_rng(0).poisson(5e3, ROWS), 2)
    column = Schema.infer(pd.DataFrame({"x": cents})).columns[0]
    assert column.describe() == "positive(step=0.01)"
    assert not column.on_grid(np.array([12_345.675])).any()
    huge = 3e19 * np.random.default_rng(0).integers(1, 100, ROWS)
    assert Schema.infer(pd.DataFrame({"x": huge})).columns[0].type == "positive"


def test_small_steps_are_no_zeros():
    x = 1e-12 * np.random.default_rng(0).poisson(20, ROWS)
    column = Schema.infer(pd.DataFrame({"x": x}), {"x": {"type": "real", "step": 1e-12}}).columns[0]
    column.fit(x)
    np.testing.assert_allclose(column.decode(column.encode(x).cells), x, rtol=1e-9)


def test_an_origin_without_a_step_is_refused():
    frame = pd.DataFrame({"x": [0.5, 1.25, 2.75] * 10})
    with pytest.raises(tff.InputError, match="has an origin and no step"):
        Schema.infer(frame, {"x": {"type": "real", "origin": 0.5}})


def test_cells_that_float32_cannot_tell_apart():
    # Seconds of two years.
    seconds = 6.3e7
    x = np.round(np.random.default_rng(0).uniform(0, seconds, ROWS))
    column = Real(name="x", step=1.0)
    column.fit(x)
    some = np.arange(3.0e7, 3.3e7, 1e4)
    coded = column.encode(some)
    assert not coded.impossible.any()
    low, high = coded.cells[:, 1], coded.cells[:, 2]
    normal = np.vectorize(NormalDist().cdf)
    log_prob = np.log(normal(high) - normal(low)) + coded.log_det
    # About uniform between the first and the last, to the noise of 2,000 rows.
    assert np.exp(log_prob).mean() == pytest.approx(1 / seconds, rel=0.2)
    np.testing.assert_allclose(column.decode(coded.cells), some, atol=5)
