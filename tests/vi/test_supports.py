"""Where parts lie: TFP's distributions, one by one, and that a file keeps the map."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from depth import quick

import tfp_flows as tff
from tfp_flows import serialization
from tfp_flows.vi import joints

tfd, tfb = tfp.distributions, tfp.bijectors
EVEN = [0.0, 0.0]

# Name: a distribution in float32, and what its events fulfil.
SUPPORTS = {
    "Beta": (lambda: tfd.Beta(2.0, 3.0), lambda x: (x > 0) & (x < 1)),
    "Gamma": (lambda: tfd.Gamma(2.0, 1.0), lambda x: x > 0),
    "LogNormal": (lambda: tfd.LogNormal(0.0, 1.0), lambda x: x > 0),
    "Uniform": (lambda: tfd.Uniform(-1.0, 3.0), lambda x: (x > -1) & (x < 3)),
    "TruncatedNormal": (lambda: tfd.TruncatedNormal(0.0, 1.0, -1.0, 2.0), lambda x: x > -1),
    "Pareto": (lambda: tfd.Pareto(2.0, 1.0), lambda x: x > 1),
    "VonMises": (lambda: tfd.VonMises(0.0, 1.0), lambda x: abs(x) <= np.pi),
    "Dirichlet": (lambda: tfd.Dirichlet([1.0, 2.0, 3.0]), lambda x: _sums_to_one(x)),
    "RelaxedOneHotCategorical": (
        lambda: tfd.RelaxedOneHotCategorical(1.0, logits=[0.0, 0.0, 0.0]),
        lambda x: _sums_to_one(x),
    ),
    "CholeskyLKJ": (lambda: tfd.CholeskyLKJ(3, 2.0), lambda x: np.triu(x, 1) == 0),
    "LKJ": (lambda: tfd.LKJ(3, 2.0), lambda x: np.isclose(np.diagonal(x, 0, -2, -1), 1)),
    "WishartTriL": (lambda: tfd.WishartTriL(5.0, np.eye(3, dtype="f")), np.isfinite),
    "MultivariateNormalDiag": (lambda: tfd.MultivariateNormalDiag([0.0, 1.0]), np.isfinite),
    "Sample": (lambda: tfd.Sample(tfd.Gamma(2.0, 1.0), 4), lambda x: x > 0),
    "Sample of Sample": (
        lambda: tfd.Sample(tfd.Sample(tfd.Beta(2.0, 2.0), 2), 3),
        lambda x: (x > 0) & (x < 1),
    ),
    "Sample of Dirichlet": (
        lambda: tfd.Sample(tfd.Dirichlet([1.0, 2.0, 3.0]), 2),
        lambda x: _sums_to_one(x),
    ),
    "Independent": (lambda: tfd.Independent(tfd.Gamma([2.0, 3.0], 1.0), 1), lambda x: x > 0),
    "Ascending": (
        lambda: tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), 3), tfb.Ascending()),
        lambda x: np.diff(x) > 0,
    ),
    "mixture of normals": (
        lambda: tfd.MixtureSameFamily(tfd.Categorical(EVEN), tfd.Normal([1.0, 2.0], 1.0)),
        np.isfinite,
    ),
    "mixture of vectors": (
        lambda: tfd.MixtureSameFamily(
            tfd.Categorical(EVEN), tfd.MultivariateNormalDiag(tf.zeros([2, 3]), tf.ones([2, 3]))
        ),
        np.isfinite,
    ),
    "mixture on the positive": (
        lambda: tfd.Mixture(tfd.Categorical(EVEN), [tfd.Gamma(1.0, 1.0), tfd.HalfNormal(1.0)]),
        lambda x: x > 0,
    ),
    "GaussianProcess": (
        lambda: tfd.GaussianProcess(
            tfp.math.psd_kernels.ExponentiatedQuadratic(), np.linspace(0, 1, 4, dtype="f")[:, None]
        ),
        np.isfinite,
    ),
    "MarkovChain": (
        lambda: tfd.MarkovChain(tfd.Normal(0.0, 1.0), lambda _, x: tfd.Normal(x, 1.0), num_steps=5),
        np.isfinite,
    ),
}


def _sums_to_one(x):
    return (x > 0) & np.isclose(x.sum(-1, keepdims=True), 1)


def parts_of(distribution):
    joint = tfd.JointDistributionNamed({"part": distribution, "y": tfd.Normal(0.0, 1.0)})
    return joint, joints.parts_of(joints.pinned_by(joint, {"y": 0.5}))


@pytest.mark.parametrize(
    "name", quick(list(SUPPORTS), "Sample", "LKJ", "Ascending", "mixture of vectors")
)
def test_supports(name):
    make, holds = SUPPORTS[name]
    joint, parts = parts_of(make())
    assert type(parts).__name__ == "Parts"
    z = tf.random.stateless_normal([6, parts.dim], (0, 1))
    (x,), log_det = parts.constrained(z)
    assert holds(x.numpy()).all()
    assert np.isfinite(joint.log_prob({"part": x, "y": tf.fill([6], 0.5)})).all()
    back, minus = parts.unconstrained([x])
    np.testing.assert_allclose(back, z, atol=1e-2)
    np.testing.assert_allclose(minus, -log_det, rtol=1e-3, atol=1e-3)
    kept = serialization.decode(json.loads(json.dumps(serialization.encode([parts]))))[0]
    (again,), same = kept.constrained(z)
    np.testing.assert_array_equal(again, x)
    np.testing.assert_array_equal(same, log_det)
    with tf.GradientTape() as tape:
        tape.watch(z)
        flat = tf.reshape(parts.constrained(z)[0][0], [6, -1])
    jacobian = tape.batch_jacobian(flat, z)
    if jacobian.shape[1] == jacobian.shape[2]:
        np.testing.assert_allclose(tf.linalg.slogdet(jacobian)[1], log_det, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tfd.MixtureSameFamily(tfd.Categorical(EVEN), tfd.Uniform([1.0, 2.0], 4.0)),
        lambda: tfd.Mixture(tfd.Categorical(EVEN), [tfd.Gamma(1.0, 1.0), tfd.Normal(0.0, 1.0)]),
        lambda: tfd.SphericalUniform(3),
    ],
    ids=["ends that differ", "half a line and a line", "sphere"],
)
def test_parts_without_a_support(make):
    with pytest.raises(tff.InputError, match=r"no map from the reals .* 'part' .*tff\.vi\.Target"):
        parts_of(make())


@pytest.mark.deep
def test_a_fit_with_samples_can_be_saved(tmp_path):
    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        mean = yield tfd.Normal(0.0, 5.0, name="mean")
        rates = yield tfd.Sample(tfd.Gamma(2.0, tf.exp(mean)), 3, name="rates")
        yield tfd.Poisson(rates, name="counts")

    options = {"steps": 100, "draws": 32, "evaluation_draws": 200, "verbose": False}
    posterior = tff.vi.fit(model, {"counts": [1.0, 0.0, 3.0]}, flow="full_rank", **options)
    posterior.save(tmp_path / "posterior.keras")
    loaded = tff.load(tmp_path / "posterior.keras")
    for name, draws in posterior.draws(20).items():
        np.testing.assert_array_equal(loaded.draws(20)[name], draws)
