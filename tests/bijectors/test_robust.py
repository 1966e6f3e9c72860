"""Standardisers and units, outliers and offsets: values and log-dets against closed forms."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from depth import quick

from tfp_flows import bijectors as B
from tfp_flows import flows
from tfp_flows.bijectors.robust import KNEE
from tfp_flows.errors import DataWarning

dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def normal(rows=4000, size=2, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, size))


def with_outliers(far=1e5):
    x = normal()
    x[[17, 1234]] = far
    return x


@dtypes
@pytest.mark.parametrize("source", ["float32", "float64"])
@pytest.mark.parametrize("unit", quick([1e-30, 1e-21, 1e-18, 1.0, 1e21, 1e30], "1e-21", "1e+30"))
def test_the_density_of_normal_data_in_any_unit(dtype, source, unit):
    x = (normal() * [unit, 1.0] + [2 * unit, 0.0]).astype(source)
    flow = flows.maf(event_shape=2, num_layers=2, hidden_units=[8], tails=None, dtype=dtype, seed=0)
    for variable in flow.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    flow.adapt(x)
    wide = x.astype(np.float64)
    mean, deviation = wide.mean(axis=0), wide.std(axis=0)
    expected = -0.5 * ((wide - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))
    expected = expected.sum(axis=1)
    result = flow.log_prob(x.astype(dtype))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    samples = flow.sample(4000, seed=(0, 1)).numpy() / [unit, 1]
    np.testing.assert_allclose(samples.std(axis=0), 1, atol=0.1)


@dtypes
@pytest.mark.parametrize("cls", [B.ActNorm, B.Standardize, B.RobustStandardize, B.MinMax])
def test_every_diagonal_start_takes_tiny_columns(cls, dtype):
    bijector = cls(event_shape=2, dtype=dtype)
    x = normal() * [1e-25, 1e25]
    bijector.adapt(x)
    latent, log_det = bijector.inverse_and_log_det(tf.constant(x, dtype))
    scale = x.std(axis=0) if cls is not B.MinMax else np.ptp(x, axis=0) / 1.6
    np.testing.assert_allclose(np.std(latent, axis=0), x.std(axis=0) / scale, rtol=1e-4)
    np.testing.assert_allclose(log_det[0], -np.log(scale).sum(), rtol=1e-5, atol=1e-4)


def test_batch_normalisation_says_what_its_epsilon_hides():
    with pytest.warns(DataWarning, match="column 1 has variance 1e-06, which epsilon=1e-05 hides"):
        B.BatchNorm(event_shape=2).adapt(np.array([[1.0, 1e-3], [-1.0, -1e-3]]))


@dtypes
@pytest.mark.parametrize("compiled", [False, True])
def test_tails_are_drawn_in_with_their_log_det(dtype, compiled):
    bijector = B.RobustStandardize(event_shape=1, dtype=dtype)
    with pytest.warns(DataWarning, match="column 0 holds a few values far from all others"):
        bijector.adapt(with_outliers()[:, :1])
    y = tf.constant([[0.0], [3.0], [-15.0], [17.5], [-400.0], [1e5], [-1e30], [1e32]], dtype)

    def both(y):
        with tf.GradientTape() as tape:
            tape.watch(y)
            z, log_det = bijector.inverse_and_log_det(y)
        return z, log_det, tape.gradient(z, y)

    z, log_det, slope = tf.function(both, jit_compile=True)(y) if compiled else both(y)
    np.testing.assert_allclose(log_det, np.log(slope)[:, 0], rtol=1e-4, atol=1e-5)
    assert np.all(np.diff(np.sort(z.numpy()[:, 0])) > 0)
    # Closed form: the median and the bulk's deviation are those of a standard normal.
    np.testing.assert_allclose(z[5, 0], KNEE + np.log(1 + 1e5 - KNEE), rtol=0.01)
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    back, log_det_back = bijector.forward_and_log_det(z)
    np.testing.assert_allclose(back, y, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(log_det_back, -log_det, rtol=1e-4, atol=1e-4)


@dtypes
def test_two_rows_of_four_thousand_rule_nothing(dtype):
    flow = flows.Flow(
        flows.standard_normal(2, dtype), B.Chain([B.RobustStandardize(event_shape=2, dtype=dtype)])
    )
    with pytest.warns(DataWarning, match="its standard deviation is 2.*1 more columns"):
        flow.adapt(with_outliers().astype(dtype))
    clean = normal(seed=1)
    truth = -0.5 * (clean**2).sum(axis=1) - np.log(2 * np.pi)
    result = flow.log_prob(clean.astype(dtype)).numpy()
    assert result.mean() == pytest.approx(truth.mean(), abs=0.01)
    # The outliers themselves cost what a far tail costs.
    assert -1000 < flow.log_prob(np.full(2, 1e5, dtype)) < -100


def test_clean_data_are_standardised_as_ever():
    x = np.exp(normal()).astype(np.float32)
    old, new = B.Standardize(event_shape=2), B.RobustStandardize(event_shape=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        old.adapt(x)
        new.adapt(x)
    for one, two in zip(old.inverse_and_log_det(x), new.inverse_and_log_det(x), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("cls", [B.Standardize, B.RobustStandardize, B.MinMax])
def test_constant_columns_and_outliers_are_remarked(cls):
    x = with_outliers()
    x[:, 0] = 3.0
    with pytest.warns(DataWarning) as found:
        cls(event_shape=2).adapt(x)
    texts = [str(w.message) for w in found]
    assert len(texts) == 2
    assert "column 0 holds one value in every row" in texts[0]
    assert "column 1 holds a few values far from all others" in texts[1]


def test_a_bijector_refuses_what_its_precision_loses():
    x = normal() * [60, 1] + [1.7e9, 0]
    for cls in (B.ActNorm, B.BatchNorm, B.Standardize, B.RobustStandardize, B.MinMax):
        with pytest.raises(ValueError, match=r"column 0 has a standard deviation of 6.* 128 ap"):
            cls(event_shape=2).adapt(x)
        with pytest.raises(ValueError, match="holds complex numbers"):
            cls(event_shape=2).adapt(x + 1j)
        cls(event_shape=2, dtype="float64").adapt(x)
