"""Distribution functions in one dimension, ways by samples for the rest, parts of a batch."""

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from depth import quick

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
B, F = tff.bijectors, tff.flows


def mass(flow, lower, upper, *context):
    grid = np.linspace(lower, upper, 20_001)
    density = np.exp(flow.log_prob(grid[:, None].astype(np.float64), *context))
    return np.sum((density[1:] + density[:-1]) / 2 * np.diff(grid))


@pytest.mark.parametrize("name", quick(["nsf", "naf", "planar"], "nsf"))
def test_the_distribution_function_is_the_integral_of_the_density(name):
    options = {"mode": "autoregressive"} if name == "nsf" else {}
    flow = F.get(name)(event_shape=1, dtype=tf.float64, seed=0, **options)
    rows.randomise(flow, scale=0.1)
    flow.adapt(np.random.default_rng(0).normal(size=(100, 1)))
    points = flow.from_latent(np.array([[-1.0], [0.2], [1.3]])).numpy()
    values = flow.cdf(points).numpy()
    assert 0.02 < values.min() < values.max() < 0.98
    expected = [mass(flow, a, b) for a, b in zip(points[:-1, 0], points[1:, 0], strict=True)]
    np.testing.assert_allclose(np.diff(values), expected, atol=1e-5)
    np.testing.assert_allclose(values, tfd.Normal(0.0, 1.0).cdf([-1.0, 0.2, 1.3]), atol=1e-6)
    np.testing.assert_allclose(flow.log_cdf(points), np.log(values), rtol=1e-9)
    np.testing.assert_allclose(flow.survival_function(points), 1 - values, rtol=1e-9)
    np.testing.assert_allclose(flow.quantile(flow.cdf(points)), points, atol=1e-6)


def test_a_map_that_falls():
    falling = B.Chain(
        [tfb.Scale(tf.constant(-2.0, tf.float64)), B.Scale(event_shape=1, dtype=tf.float64)]
    )
    flow = tff.Flow(F.standard_normal(1, dtype=tf.float64), falling)
    x = np.array([[-1.0], [0.5], [3.0]])
    normal = tfd.Normal(tf.constant(0.0, tf.float64), 2.0)
    np.testing.assert_allclose(flow.cdf(x), normal.cdf(x[:, 0]), rtol=1e-9)
    np.testing.assert_allclose(flow.log_survival_function(x), normal.log_survival_function(x[:, 0]))
    levels = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(flow.quantile(levels)[:, 0], normal.quantile(levels), atol=1e-9)


@pytest.mark.parametrize(
    "base",
    [
        tfd.MultivariateNormalDiag([1.0], [2.0]),
        tfd.Independent(tfd.Laplace([0.5], 1.0), 1),
        tfd.Sample(tfd.StudentT(3.0, 0.0, 1.0), 1),
    ],
    ids=lambda base: base.name,
)
def test_other_bases(base):
    flow = tff.Flow(base, B.Chain([tfb.Exp()], event_shape=1))
    samples = flow.sample(100_000, seed=(0, 1)).numpy()[:, 0]
    for point in (0.3, 1.0, 4.0):
        share = np.mean(samples <= point)
        assert float(flow.cdf([point])) == pytest.approx(share, abs=0.01)


def test_with_a_context():
    flow = F.maf(event_shape=1, context_shape=2, dtype=tf.float64, seed=0)
    rows.randomise(flow, scale=0.1)
    context = np.random.default_rng(0).normal(size=(3, 2))
    x = np.array([[0.1], [-0.4], [1.0]])
    values = flow.cdf(x, context=context)
    assert values.shape == (3,)
    alone = flow.given(context[1])
    lower = alone.cdf(np.array([-2.0])).numpy()
    np.testing.assert_allclose(values[1] - lower, mass(alone, -2.0, -0.4), atol=1e-5)
    np.testing.assert_allclose(flow.given(context).cdf(x), values, rtol=1e-12)


@pytest.mark.parametrize(
    "name",
    ["mean", "variance", "stddev", "covariance", "mode", "entropy"],
)
def test_what_has_no_formula_says_how_to_estimate_it(name):
    flow = rows.flow("maf")
    with pytest.raises(NotImplementedError, match=r"from samples: .*flow\.sample") as caught:
        getattr(flow, name)()
    assert "\n" not in str(caught.value)
    for call in (flow.kl_divergence, flow.cross_entropy, lambda o: tfd.kl_divergence(o, flow)):
        with pytest.raises(NotImplementedError, match="from samples"):
            call(tfd.MultivariateNormalDiag(tf.zeros(3)))
    for of_point in (flow.cdf, flow.log_cdf, flow.survival_function):
        with pytest.raises(NotImplementedError, match="below a point"):
            of_point(np.zeros((1, 3), np.float32))
    with pytest.raises(NotImplementedError, match=r"np\.quantile\(flow\.sample\(10_000\), levels"):
        flow.quantile(0.5)


def test_the_ways_by_samples_are_right():
    shift = B.Chain([tfb.Shift([1.0, -1.0])], event_shape=2)
    flow, other = (tff.Flow(F.standard_normal(2), b) for b in (shift, B.Scale(event_shape=2)))
    from tfp_flows.flows.statistics import _FROM_SAMPLES

    names = {"flow": flow, "other": other, "tf": tf, "tfp": tfp}
    estimates = {
        name: eval(_FROM_SAMPLES[name], names)
        for name in ("mean", "variance", "stddev", "covariance", "entropy", "cross_entropy")
    }
    np.testing.assert_allclose(estimates["mean"], [1, -1], atol=0.05)
    np.testing.assert_allclose(estimates["covariance"], np.eye(2), atol=0.07)
    np.testing.assert_allclose(estimates["variance"], [1, 1], atol=0.07)
    assert float(estimates["entropy"]) == pytest.approx(np.log(2 * np.pi * np.e), abs=0.05)
    assert float(estimates["cross_entropy"]) == pytest.approx(np.log(2 * np.pi) + 2, abs=0.1)


def test_the_divergence_of_flows_through_one_bijector_is_that_of_their_bases():
    bijector = rows.flow("realnvp").bijector
    bases = [tfd.MultivariateNormalDiag([m, 0.0, 0.0]) for m in (0.0, 2.0)]
    first, second = (tff.Flow(base, bijector) for base in bases)
    assert float(tfd.kl_divergence(first, second)) == pytest.approx(2.0)


def test_parts_of_a_batch():
    flow = rows.flow("maf", context_shape=rows.CONTEXT)
    context, x = rows.contexts((4, 2), tf.float32), rows.points((4, 2), tf.float32)
    given = flow.given(context)
    expected = given.log_prob(x)
    np.testing.assert_allclose(given[0].log_prob(x[0]), expected[0], rtol=1e-5)
    np.testing.assert_allclose(given[1:3, 0].log_prob(x[1:3, 0]), expected[1:3, 0], rtol=1e-5)
    np.testing.assert_allclose(given[..., 1].log_prob(x[:, 1]), expected[:, 1], rtol=1e-5)
    assert (given[2, 1].batch_shape, given[2, 1].event_shape) == ((), (rows.DIMS,))
    assert given[0].sample(5).shape == (5, 2, rows.DIMS)
    batched = tff.Flow(tfd.MultivariateNormalDiag(tf.zeros([4, 3])), B.Scale(event_shape=3))
    assert batched[1:].batch_shape == (3,)
    for without in (flow, given[0, 0]):
        with pytest.raises(ValueError, match="has no batch shape"):
            without[0]
