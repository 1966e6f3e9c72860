"""What each column says against a row, beside conditional densities that are known."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.errors import InputError
from tfp_flows.models import column_drops

tfb = tfp.bijectors


def gaussian(correlation, scales, mean, dtype=tf.float64):
    """A flow that is a Gaussian, and its precision."""
    size = len(scales)
    covariance = np.full((size, size), correlation) + (1 - correlation) * np.eye(size)
    covariance = covariance * scales * scales[:, None]
    members = [
        tfb.Shift(tf.constant(mean, dtype)),
        tfb.ScaleMatvecTriL(tf.constant(np.linalg.cholesky(covariance), dtype)),
    ]
    base = tff.flows.standard_normal(size, dtype=dtype)
    return tff.Flow(base, tff.bijectors.Chain(members, event_shape=size)), np.linalg.inv(covariance)


@pytest.mark.parametrize(("size", "correlation"), [(2, 0.5), (4, 0.99), (2, 0.9999)])
def test_of_a_gaussian_they_are_known(size, correlation):
    scales = np.logspace(-2, 3, size)
    mean = 5 * scales
    flow, precision = gaussian(correlation, scales, mean)
    random = np.random.default_rng(0)
    x = mean + random.standard_normal((100, size)) @ np.linalg.cholesky(np.linalg.inv(precision)).T
    x[:10, 0] += 8 * scales[0]
    x[10:20, -1] += 100 * scales[-1]
    x[20:30] += 30 * scales
    found = column_drops(flow, x)
    # Of x_j given the others: variance 1 / P_jj, and mean x_j - (P (x - mean))_j / P_jj.
    diagonal = np.diag(precision)
    forces = (x - mean) @ precision
    exact = (forces**2 / diagonal - 1) / 2
    np.testing.assert_allclose(found.drops, exact, rtol=0.02, atol=0.02)
    off = (found.expected - (x - forces / diagonal)) * np.sqrt(diagonal)
    assert np.abs(off).max() < 0.06  # in conditional deviations


def test_the_column_that_was_changed_is_named_and_units_do_not_matter():
    mean = np.zeros(3)
    random = np.random.default_rng(1)
    x = random.standard_normal((20, 1)) + 0.3 * random.standard_normal((20, 3))
    x[:, 1] += 4
    drops = []
    for unit in (1.0, 1e6):
        scales = np.array([1.0, unit, 1.0])
        flow, _ = gaussian(0.9, scales, mean, tf.float32)
        drops.append(column_drops(flow, x * scales).drops)
    np.testing.assert_allclose(*drops, rtol=0.01, atol=0.02)
    assert (np.argmax(drops[0], axis=1) == 1).all()


def test_given_a_context():
    flow = tff.flows.realnvp(event_shape=2, context_shape=1, num_layers=2, hidden_units=[8], seed=0)
    random = np.random.default_rng(0)
    x = random.standard_normal((6, 2)).astype(np.float32)
    context = random.standard_normal((6, 1)).astype(np.float32)
    flow.adapt(x, context)
    for variable in flow.trainable_variables:
        variable.assign_add(0.3 * tf.random.stateless_normal(variable.shape, [1, 2]))
    together = column_drops(flow, x, context).drops
    # By a fine sum over each column, one row at a time.
    for row in range(6):
        for j in range(2):
            grid = np.repeat(x[row : row + 1], 40_001, axis=0)
            grid[:, j] = np.linspace(-60, 60, 40_001)
            logs = flow.log_prob(grid, context[row : row + 1]).numpy().astype(np.float64)
            weights = np.exp(logs - logs.max())
            weights /= weights.sum()
            own = flow.log_prob(x[row], context[row]).numpy()
            assert together[row, j] == pytest.approx(weights @ logs - own, abs=0.05)


def test_rows_that_are_impossible():
    """Uniform on a square: one coordinate outside can be put right, two cannot."""
    square = tff.bijectors.Chain(
        [tfb.Scale(2.0), tfb.Sigmoid(), tfb.Invert(tfb.Sigmoid())], event_shape=2
    )
    base = tfp.distributions.Sample(tfp.distributions.Uniform(0.0, 1.0), 2)
    flow = tff.Flow(base, square)
    found = column_drops(flow, np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 3.0]], np.float32))
    assert found.drops[0] == pytest.approx(0, abs=0.01)
    assert found.drops[1, 0] == np.inf
    assert found.drops[1, 1] == 0
    np.testing.assert_array_equal(found.drops[2], 0)
    np.testing.assert_array_equal(np.isnan(found.expected), [[0, 0], [0, 1], [1, 1]])


def test_tails_without_end():
    """Cauchy: its entropy is log 4 pi, and the farthest of the samples lie a thousand times out."""
    base = tfp.distributions.Sample(tfp.distributions.Cauchy(0.0, 1.0), 2)
    flow = tff.Flow(base, tff.bijectors.Chain([tfb.Scale(1.0)], event_shape=2))
    found = column_drops(flow, np.array([[0.0, 20.0]], np.float32))
    exact = -np.log(4 * np.pi) + np.log(np.pi * (1 + np.array([[0.0, 400.0]])))
    np.testing.assert_allclose(found.drops, exact, atol=0.05)
    np.testing.assert_allclose(found.expected, 0, atol=0.1)


def test_angles_are_looked_at_over_one_period():
    flow = tff.flows.circular_nsf(event_shape=2, num_layers=1, seed=0)  # uniform, as it begins
    x = np.array([[0.1, 9.0]], np.float32)
    np.testing.assert_allclose(column_drops(flow, x).drops, 0, atol=0.01)


def test_what_does_not_fit_is_refused():
    flow = tff.flows.maf(event_shape=2, num_layers=1, hidden_units=[4])
    with pytest.raises(InputError, match=r"The values have shape \(3, 3\); give \[rows, 2\]"):
        column_drops(flow, np.zeros((3, 3)))
    with pytest.raises(InputError, match="takes no context; leave it out"):
        column_drops(flow, np.zeros((3, 2)), np.zeros((3, 1)))
    conditional = tff.flows.maf(event_shape=2, context_shape=1, num_layers=1, hidden_units=[4])
    with pytest.raises(InputError, match="takes a context; give one for each row"):
        column_drops(conditional, np.zeros((3, 2)))
    with pytest.raises(InputError, match="There are 3 rows and 2 contexts"):
        column_drops(conditional, np.zeros((3, 2)), np.zeros((2, 1)))
    image = tff.flows.glow(event_shape=(4, 4, 1), num_levels=1, depth=1, hidden_units=[2])
    with pytest.raises(InputError, match="Columns are those of flows of vectors"):
        column_drops(image, np.zeros((3, 4, 4, 1)))
    assert column_drops(flow, np.zeros((0, 2))).drops.shape == (0, 2)
