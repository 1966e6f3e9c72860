"""Bounds of autoencoders where the likelihood is known, and densities of their posteriors."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from autoencoders import SMALL, dense, shuffled
from depth import quick

import tfp_flows as tff
from tfp_flows.bijectors import Bijector
from tfp_flows.flows import Flow, standard_normal
from tfp_flows.models.variational import POSTERIORS, Variational, posterior_bijector

keras, tfd = tf.keras, tfp.distributions
pytestmark = pytest.mark.keras


@pytest.mark.keras(cases=("diagonal", "iaf"))
@pytest.mark.parametrize("name", quick(POSTERIORS, "diagonal", "iaf", "naf"))
@pytest.mark.parametrize("dtype", quick(["float32", "float64"], "float64"))
def test_densities_of_posteriors(name, dtype):
    """What a draw comes with is the density of the flow at it, by its other direction."""
    dtype = tf.as_dtype(dtype)
    bijector = posterior_bijector(name, 3, 4, SMALL.get(name, {}), dtype=dtype, seed=0)
    shuffled(bijector)
    eps = tf.random.stateless_normal([6, 3], (0, 1), dtype=dtype)
    features = tf.random.stateless_normal([6, 4], (0, 2), dtype=dtype)
    z, log_det = bijector.forward_and_log_det(eps, features)
    with tf.GradientTape() as tape:
        tape.watch(eps)
        moved = bijector.forward_and_log_det(eps, features)[0]
    exact = tf.linalg.slogdet(tape.batch_jacobian(moved, eps))[1]
    np.testing.assert_allclose(log_det, exact, atol=1e-3 if dtype == tf.float32 else 1e-7)
    flow = Flow(standard_normal(3, dtype), bijector)
    density = tf.reduce_sum(tfd.Normal(tf.zeros([], dtype), 1.0).log_prob(eps), -1) - log_det
    slack = 3e-3 if dtype == tf.float32 else 1e-6
    np.testing.assert_allclose(flow.log_prob(z, features), density, rtol=slack, atol=slack)


def linear(noise=0.5, size=4, latent=2):
    """A linear Gaussian decoder, and the exact log-likelihoods of some data."""
    generator = np.random.default_rng(1)
    weights = generator.standard_normal((latent, size)).astype(np.float32)
    offset = generator.standard_normal(size).astype(np.float32)
    layer = keras.layers.Dense(2 * size)
    decoder = keras.Sequential([keras.Input([latent]), layer])
    # The log-scale goes through a soft bound of 7.
    raw = 7 * np.arctanh(np.log(noise) / 7)
    kernel = np.concatenate([weights, np.zeros_like(weights)], axis=1)
    layer.set_weights([kernel, np.concatenate([offset, np.full(size, raw, np.float32)])])
    covariance = weights.T @ weights + noise**2 * np.eye(size)
    exact = tfd.MultivariateNormalFullCovariance(offset.astype(float), covariance.astype(float))
    x = exact.sample(50, seed=2).numpy().astype(np.float32)
    return decoder, x, exact.log_prob(x).numpy()


@pytest.mark.parametrize("posterior", quick(["diagonal", "realnvp"], "realnvp"))
def test_bounds_rise_to_the_exact_likelihood(posterior):
    decoder, x, exact = linear()
    options = {"likelihood": "normal", "posterior_options": SMALL.get(posterior), "seed": 0}
    vae = tff.models.VAE(dense(4, 8), decoder, latent_size=2, posterior=posterior, **options)
    # Each row several times, by draws of its own: one trace.
    elbo = vae.bound(np.tile(x, (30, 1)), draws=1, batch_size=1500).mean()
    loose = vae.bound(np.tile(x, (10, 1)), draws=8, batch_size=500).mean()
    tight = vae.bound(x, draws=20_000)
    assert elbo < loose - 0.1
    assert loose < exact.mean() - 0.05
    np.testing.assert_allclose(tight.mean(), exact.mean(), atol=0.02)
    np.testing.assert_allclose(tight, exact, atol=0.5)
    # Bounds of one draw are what a flow and Keras say of it.
    many = np.repeat(x, 60, axis=0)
    vae.compile()
    error = 5 * vae.predict(many, verbose=0).std() / np.sqrt(len(many))
    assert abs(vae.predict(many, verbose=0).mean() - elbo) < error
    assert abs(vae.flow.log_prob(many).numpy().mean() - elbo) < error


def test_the_exact_posterior_makes_the_bound_exact():
    """With ``q(z | x) = p(z | x)`` each draw weighs the same."""

    class Exact(Bijector):
        def __init__(self, root, mean):
            super().__init__(event_shape=2, context_shape=4, dtype=tf.float32)
            self.root, self.mean = root, mean

        def _forward_and_log_det(self, x, context, training):
            moved = tf.linalg.matvec(self.root, x) + tf.linalg.matvec(self.mean, context)
            return moved, tf.fill(tf.shape(x)[:-1], tf.linalg.slogdet(self.root)[1])

    noise = 0.5
    decoder, x, exact = linear(noise)
    weights, offset = (value[..., :4] for value in decoder.layers[-1].get_weights())
    precision = np.eye(2) + weights @ weights.T / noise**2
    covariance = np.linalg.inv(precision)
    encoder = keras.Sequential([keras.Input([4]), keras.layers.Rescaling(1.0, -offset)])
    vae = tff.models.VAE(
        encoder, decoder, latent_size=2, likelihood="normal", event_shape=4, seed=0
    )
    root = np.linalg.cholesky(covariance).astype(np.float32)
    mean = (covariance @ weights / noise**2).astype(np.float32)
    vae.layer._posterior = Exact(tf.constant(root), tf.constant(mean))
    np.testing.assert_allclose(vae.bound(x, draws=1), exact, atol=1e-3)
    vae.compile()
    loss, _, kl = vae.evaluate(x, verbose=0)
    np.testing.assert_allclose(-loss, exact.mean(), atol=1e-3)
    assert kl > 0


def test_words_and_their_counts():
    layer = Variational(
        encoder=dense(5, 3),
        decoder=dense(2, 5),
        event_shape=5,
        latent_size=2,
        likelihood="words",
        seed=0,
    )
    counts = np.array([[2.0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], np.float32)
    z = tf.zeros([2, 2])
    shares = layer.decoded(z).numpy()
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-5)
    found = layer.reconstruction(tf.constant(counts), z)
    np.testing.assert_allclose(found[0], 2 * np.log(shares[0, 0]) + np.log(shares[0, 2]), rtol=1e-5)
    assert found[1] == 0
    drawn = layer.decoded(tf.zeros([4000, 2]), draws=True).numpy()
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(0), shares[0], atol=0.04)
