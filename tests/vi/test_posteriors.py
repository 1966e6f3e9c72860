"""Fits against posteriors that are known, and what is said of those that are not right."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.flows.catalogue import POSTERIORS
from tfp_flows.vi import objectives, psis
from tfp_flows.vi.choice import choose
from tfp_flows.vi.laplace import Start
from tfp_flows.vi.weights import iwae, resampled

tfd = tfp.distributions
SHORT = {"steps": 200, "draws": 64, "evaluation_draws": 2000, "verbose": False}


def f8(value):
    return tf.constant(value, tf.float64)


def linear():
    """A Gaussian linear model, its evidence, and mean and covariance of the posterior."""
    generator = np.random.default_rng(0)
    design, noise = generator.standard_normal((12, 2)) * [1, 50], 0.7
    y = design @ [1.0, -0.02] + noise * generator.standard_normal(12)

    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        slope = yield tfd.Normal(f8([0, 0]), f8(1), name="slope")
        yield tfd.Normal(tf.linalg.matvec(f8(design), slope), f8(noise), name="y")

    whole = tfd.MultivariateNormalFullCovariance(
        f8(np.zeros(12)), f8(design @ design.T + noise**2 * np.eye(12))
    )
    covariance = np.linalg.inv(np.eye(2) + design.T @ design / noise**2)
    mean = covariance @ design.T @ y / noise**2
    return model, {"y": y}, float(whole.log_prob(f8(y))), mean, covariance


@pytest.fixture(scope="module")
def fitted():
    model, observed, *exact = linear()
    return tff.vi.fit(model, observed, flow="full_rank", **SHORT), exact


def test_a_conjugate_model(fitted):
    posterior, (evidence, mean, covariance) = fitted
    value, error = posterior.log_evidence
    assert abs(value - evidence) < 2 * error + 1e-6
    assert error < 0.05
    assert posterior.good
    assert posterior.k_hat < 0.7
    assert "Good: " in posterior.report()
    assert f"at the start {posterior.start_bound:.3f}." in posterior.report()
    assert posterior.elbo.value <= posterior.iwae.value + 1e-9
    draws = posterior.draws(4000)["slope"]
    np.testing.assert_allclose(
        draws.mean(0), mean, atol=4 * np.sqrt(np.diag(covariance) / 4000).max()
    )
    np.testing.assert_allclose(np.cov(draws.T), covariance, rtol=0.1, atol=1e-5)
    exact = tfd.MultivariateNormalFullCovariance(f8(mean), f8(covariance))
    structure = posterior.sample(5, seed=3)
    np.testing.assert_allclose(
        posterior.log_prob(structure), exact.log_prob(structure.slope), atol=0.1
    )
    resampled_draws = posterior.importance_resample(500)
    table = posterior.summary(resampled_draws)
    assert list(table.index) == ["slope[0]", "slope[1]"]
    assert list(table.columns) == ["mean", "sd", "q05", "q95", "mcse"]


def test_saved_without_the_model(fitted, tmp_path):
    posterior, _ = fitted
    path = tmp_path / "posterior.keras"
    posterior.save(path)
    loaded = tff.load(path)
    structure = posterior.sample(3)
    np.testing.assert_array_equal(loaded.sample(3).slope, structure.slope)
    np.testing.assert_array_equal(loaded.log_prob(structure), posterior.log_prob(structure))
    with pytest.raises(tff.InputError, match="needs the model"):
        loaded.k_hat  # noqa: B018
    model, observed, *_ = linear()
    assert loaded.attached(model, observed).elbo.value == pytest.approx(
        posterior.elbo.value, abs=0.02
    )
    with pytest.raises(tff.InputError, match="other shapes"):
        loaded.attached(tff.vi.Target(lambda a: -(a**2), parts={"a": ()}))


def test_a_comparison(fitted):
    posterior, _ = fitted
    table = tff.vi.compare({"one": posterior, "two": posterior})
    assert table["probability"].tolist() == [0.5, 0.5]
    assert table["trusted"].all()
    with pytest.raises(tff.InputError, match="at least two"):
        tff.vi.compare({"one": posterior})


@pytest.mark.parametrize("k", [0.2, 0.6, 1.0])
def test_k_hat_of_known_tails(k):
    u = np.random.default_rng(0).uniform(size=(10, 4000))
    excesses = np.expm1(-k * np.log(u)) / k
    shapes, scales = zip(*(psis.fit_tail(row) for row in excesses), strict=True)
    assert np.mean(shapes) == pytest.approx(k, abs=0.03)
    assert np.mean(scales) == pytest.approx(1, abs=0.03)
    found = [psis.smoothed(-k * np.log(row))[1] for row in u]
    assert np.mean(found) == pytest.approx(k, abs=0.08)


def test_weights():
    log_weights = np.random.default_rng(1).normal(size=1000)
    smooth, k = psis.smoothed(log_weights)
    assert k < 0.7
    order = np.argsort(log_weights)
    assert (np.diff(smooth[order]) >= 0).all()
    np.testing.assert_array_equal(smooth[order[:800]], log_weights[order[:800]])
    assert psis.smoothed(np.zeros(100))[1] == -math.inf
    with pytest.raises(tff.InputError, match="20 draws are too few"):
        psis.smoothed(np.zeros(20))
    assert iwae(log_weights, 1)[0] == pytest.approx(log_weights.mean())
    assert iwae(log_weights, 1000)[0] == pytest.approx(np.log(np.exp(log_weights).mean()))
    counts = np.bincount(resampled(np.log([1.0, 2.0, 5.0]), 800, 0), minlength=3)
    np.testing.assert_allclose(counts, [100, 200, 500], atol=1)


def test_gradients_along_the_path_vanish_where_the_flow_is_exact():
    """And agree with the whole gradient elsewhere, on average."""
    start = Start(np.array([1.0, -1.0]), np.array([[2.0, 0.0], [1.0, 0.5]]), 0.0)
    choice = choose("full_rank", 2, start, tf.float64, 0)
    exact = tfd.MultivariateNormalTriL(f8(start.location), f8(start.scale))
    other = tfd.MultivariateNormalTriL(f8([0.0, 0.0]), f8(start.scale))

    def gradients(name, target, draws=64, **more):
        own = objectives.Objective(
            name, choice.flow, target.log_prob, draws=draws, seed=0, **{"exact": True, **more}
        )
        return own.gradients(tf.constant(0), f8(1.0))[1]

    for name in ("reverse_kl", "iwae"):
        for gradient in gradients(name, exact):
            np.testing.assert_allclose(gradient, 0, atol=1e-12)
        several = gradients(name, other, 20_000), gradients(name, other, 20_000, exact=False)
        for path, whole in zip(*several, strict=True):
            np.testing.assert_allclose(path, whole, atol=0.05)


@pytest.mark.parametrize("name", POSTERIORS)
def test_flows_begin_as_the_gaussian(name):
    start = Start(np.array([1.0, -1.0]), np.array([[2.0, 0.0], [1.0, 0.5]]), 0.0)
    choice = choose(name, 2, start, tf.float32, 0)
    z = choice.flow.sample(2000, seed=1).numpy()
    if name not in ("mean_field", "sylvester", "bnaf"):  # whose first maps are no identities
        np.testing.assert_allclose(z.mean(axis=0), start.location, atol=0.2)
        np.testing.assert_allclose(np.cov(z.T), start.scale @ start.scale.T, rtol=0.2, atol=0.1)
    assert np.isfinite(z).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flow": "nfs"}, "did you mean 'nsf'"),
        ({"objective": "kl"}, "objective"),
        ({"tempering": 1.5}, "below 1"),
        ({"evaluation_draws": 20}, "too few for k-hat"),
        ({"flow": tff.flows.planar(event_shape=3, standardize=False)}, "needs one of"),
    ],
)
def test_options_that_will_not_do(options, message):
    target = tff.vi.Target(lambda a: -(a**2), parts={"a": ()})
    with pytest.raises(tff.InputError, match=message):
        tff.vi.fit(target, **{**SHORT, "steps": 1, "verbose": True, **options})


def test_a_density_without_gradient():
    target = tff.vi.Target(lambda a: tf.cast(a > 0, tf.float32), parts={"a": ()})
    with pytest.raises(tff.InputError, match="not differentiable"):
        tff.vi.fit(target, **SHORT)


def test_without_arviz(fitted):
    pytest.importorskip("arviz")
    data = fitted[0].to_arviz(50)
    assert data.posterior["slope"].shape == (1, 50, 2)


@pytest.mark.deep
def test_eight_schools():
    """Means and deviations are those of long runs (posteriordb, 10,000 draws)."""
    y, sigma = [28.0, 8, -3, 7, -1, 1, 18, 12], [15.0, 10, 16, 11, 9, 11, 10, 18]

    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        mu = yield tfd.Normal(0.0, 5.0, name="mu")
        tau = yield tfd.HalfCauchy(0.0, 5.0, name="tau")
        theta = yield tfd.Normal(tf.zeros(8), 1.0, name="theta")
        yield tfd.Normal(mu + tau * theta, tf.constant(sigma), name="y")

    posterior = tff.vi.fit(model, {"y": y}, flow="realnvp", steps=800, verbose=False)
    draws = posterior.by_name(posterior.importance_resample(4000))
    assert posterior.good
    assert draws["mu"].mean() == pytest.approx(4.41, abs=0.15 * 3.31)
    assert draws["tau"].mean() == pytest.approx(3.60, abs=0.15 * 3.20)
    assert draws["mu"].std() == pytest.approx(3.31, rel=0.1)


@pytest.mark.deep
@pytest.mark.parametrize("objective", ["iwae", "forward_kl"])
def test_objectives_agree_on_a_conjugate_model(objective):
    """From a Gaussian of the wrong width, by a flow."""
    model, observed, evidence, *_ = linear()
    options = {**SHORT, "steps": 200, "tempering": 0.2}
    posterior = tff.vi.fit(model, observed, flow="radial", objective=objective, **options)
    value, error = posterior.log_evidence
    assert abs(value - evidence) < 2 * error + 0.01
    assert error < 0.05


@pytest.mark.deep
def test_one_dimension():
    """A conjugate model: the posterior is Beta(15, 10)."""
    model = tfd.JointDistributionNamed(
        {"p": tfd.Beta(2.0, 3.0), "y": lambda p: tfd.Binomial(20.0, probs=p)}
    )
    posterior = tff.vi.fit(model, {"y": 13.0}, **SHORT)
    evidence = math.log(math.comb(20, 13))
    for a, b, sign in ((15, 10, 1), (2, 3, -1)):
        evidence += sign * (math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))
    value, error = posterior.log_evidence
    assert abs(value - evidence) < 2 * error + 1e-3
    assert posterior.summary().loc["p", "mean"] == pytest.approx(0.6, abs=0.01)


@pytest.mark.deep
def test_a_funnel_is_flagged():
    def funnel(v, x):
        return tfd.Normal(0.0, 3.0).log_prob(v) + tf.reduce_sum(
            tfd.Normal(0.0, tf.exp(v / 2)[:, None]).log_prob(x), axis=-1
        )

    target = tff.vi.Target(funnel, parts={"v": (), "x": 5})
    posterior = tff.vi.fit(target, flow="full_rank", **SHORT)
    assert posterior.k_hat > 0.7
    assert not posterior.good
    assert "Not good" in posterior.report()


@pytest.mark.deep
def test_chains_through_a_flow_on_a_banana():
    def banana(a, b):
        return -0.5 * (a / 2) ** 2 - 0.5 * ((b - 0.5 * (a**2 - 4)) / 0.5) ** 2

    target = tff.vi.Target(banana, parts={"a": (), "b": ()})
    posterior = tff.vi.fit(target, flow="realnvp", **{**SHORT, "steps": 600})
    chains = posterior.neutra().run(500, warm_up=200)
    table = chains.summary()
    assert chains.draws["a"].shape == (4, 500)
    assert (table["r_hat"] < 1.05).all()
    assert (table["ess"] > 100).all()
    assert table.loc["a", "sd"] == pytest.approx(2.0, rel=0.15)
    assert table.loc["b", "mean"] == pytest.approx(0.0, abs=6 * table.loc["b", "mcse"])
