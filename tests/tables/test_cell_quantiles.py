"""Quantiles of cells beside sums and integrals of their probabilities."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfp_flows.bijectors.cells import OPEN, Cells

_EDGES = [-OPEN, -1.0, 0.25, 1.5, OPEN]
_CLASS, _LINE, _GRID, _CIRCLE, _BOTH = range(5)


@pytest.fixture(scope="module")
def cells():
    layer = Cells(
        classes=[3, 1, 2, 1, 2],
        numbers=["", "line", "grid", "circle", "line"],
        grids=[None, None, _EDGES, None, None],
        hidden_units=(16, 16),
        num_bins=6,
        dtype=tf.float64,
        seed=0,
    )
    generator = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(variable + 0.3 * generator.standard_normal(variable.shape))
    return layer


def _rows(column: int, cells: np.ndarray) -> np.ndarray:
    """Rows that differ in one column ``[n, 4]`` alone."""
    row = np.array(
        [[1, 0, 0, 1], [0, 0.4, 0.4, 1], [1, 0.25, 1.5, 1], [0, 1, 1, 1], [1, -1, -1, 1]]
    )
    rows = np.repeat(row[None].astype(np.float64), len(cells), axis=0)
    rows[:, column] = cells
    return rows


def _judged(layer, column: int, cells, alone: bool):
    rows = tf.constant(_rows(column, np.asarray(cells, np.float64)))
    known = tf.zeros_like(rows[..., 3]) if alone else None
    low, high = layer.quantile_ends(rows, known)
    masses = layer.terms(rows) if known is None else layer.log_masses(rows, known)
    return low[:, column].numpy(), high[:, column].numpy(), np.exp(masses[:, column].numpy())


@pytest.mark.parametrize("alone", [False, True])
def test_classes_and_intervals_lie_side_by_side(cells, alone):
    intervals = [[1, *ends, 1] for ends in itertools.pairwise(_EDGES)]
    for column, every in (
        (_CLASS, [[code, 0, 0, 1] for code in range(3)]),
        (_GRID, [[0, 0, 0, 1], *intervals]),
    ):
        low, high, masses = _judged(cells, column, every, alone)
        assert high - low == pytest.approx(masses, abs=1e-9)
        assert low == pytest.approx([0.0, *high[:-1]], abs=1e-9)
        assert high[-1] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("alone", [False, True])
def test_numbers_lie_where_their_density_says(cells, alone):
    for column, reach in ((_LINE, 6.0), (_CIRCLE, np.pi), (_BOTH, 6.0)):
        x = np.linspace(-reach, reach, 4_001)
        code = 1.0 if column == _BOTH else 0.0
        numbers = np.stack([np.full(len(x), code), x, x, np.ones(len(x))], axis=1)
        low, high, density = _judged(cells, column, numbers, alone)
        np.testing.assert_array_equal(low, high)
        steps = np.diff(x) * (density[1:] + density[:-1]) / 2
        before = 0.0
        if column == _BOTH:
            _, before, mass = _judged(cells, column, [[0, 0, 0, 1]], alone)
            assert before == pytest.approx(mass)
        if column == _CIRCLE:
            # The circle begins anywhere.
            low = np.unwrap(low, period=1) - low[0]
        assert low == pytest.approx(before + np.concatenate([[0], np.cumsum(steps)]), abs=1e-5)
        assert low[-1] == pytest.approx(1, abs=1e-5)


def test_draws_are_uniform_in_their_quantiles(cells):
    rows = cells.forward(np.random.default_rng(2).standard_normal([2_000, 5]))
    # Draws of numbers without a value have none of their entries known.
    rows = tf.concat([rows[..., :3], tf.ones_like(rows[..., 3:])], axis=-1)
    low, high = (end.numpy() for end in cells.quantile_ends(rows))
    u = low + (high - low) * np.random.default_rng(3).random(low.shape)
    for column in u.T:
        far = np.abs(np.sort(column) - (np.arange(2_000) + 0.5) / 2_000).max()
        assert far < 1.95 / np.sqrt(2_000)
