"""The KL in three parts: values that are known, weights, and what has no such parts."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from autoencoders import SMALL, binary, dense, shuffled, small
from depth import quick

import tfp_flows as tff
from tfp_flows import noise
from tfp_flows.models.vae_kl import aggregate, divergence, log_densities

keras = tf.keras
pytestmark = pytest.mark.keras


def test_gaussians_whose_information_is_known():
    """Posteriors of one width about means that are Gaussian themselves, and correlated."""
    covariance, width = np.array([[1.0, 0.8], [0.8, 1.2]]), 0.5
    means = np.random.default_rng(0).multivariate_normal([0.3, 0], covariance, 1500)
    vae = tff.models.VAE(
        keras.Sequential([keras.Input([2]), keras.layers.Rescaling(1.0)]),
        dense(2, 4),
        latent_size=2,
        likelihood="normal",
        seed=0,
    )
    kernel, bias = np.zeros([2, 2, 2]), np.zeros([2, 2])
    kernel[..., 0], bias[:, 1] = np.eye(2), 7 * np.arctanh(np.log(width) / 7)
    variables = {v.shape.rank: v for v in vae.layer.posterior.trainable_variables}
    variables[2].assign(kernel.reshape(2, 4))
    variables[1].assign(bias.reshape(4))
    found = vae.kl_parts(means.astype(np.float32))
    total = np.cov(means.T) + width**2 * np.eye(2)
    log_det, variances = np.linalg.slogdet(total)[1], np.diag(total)
    np.testing.assert_allclose(found.index_code, log_det / 2 - 2 * np.log(width), atol=0.03)
    np.testing.assert_allclose(
        found.total_correlation, (np.log(variances).sum() - log_det) / 2, atol=0.03
    )
    own = (variances + means.mean(0) ** 2 - 1 - np.log(variances)) / 2
    np.testing.assert_allclose(found.dimension_wise, own.sum(), atol=0.04)
    exact = (2 * width**2 + (means**2).sum(-1).mean() - 2 - 4 * np.log(width)) / 2
    np.testing.assert_allclose(sum(found), exact, atol=0.04)


def test_parts_add_up_and_what_stands_for_all_rows_is_right_on_average():
    vae, x = small(), tf.constant(binary(6))
    shuffled(vae.layer)
    features = vae.layer.encode(x)
    with noise.seeded(3, 0):
        z, log_q = vae.layer.draw(features)
    log_p = vae.flow.distribution.log_prob(z)
    np.testing.assert_allclose(sum(vae.kl_parts(x, seed=3)), _kl(vae, x, 3), atol=1e-5)
    pairs = log_densities(vae.layer, z, features)
    np.testing.assert_allclose(tf.reduce_sum(pairs, -1).numpy().diagonal(), log_q, atol=2e-3)
    exact = np.exp(aggregate(pairs, 6))
    expected = np.exp(pairs.numpy().astype(float)).mean(1)
    np.testing.assert_allclose(exact[1], np.prod(expected, -1), rtol=1e-4)
    batches = [(0, *others) for others in itertools.combinations(range(1, 6), 2)]
    rough = [np.exp(aggregate(tf.gather(pairs[:1], batch, axis=1), 6)[0]) for batch in batches]
    np.testing.assert_allclose(np.mean(rough), exact[0][0], rtol=1e-4)
    assert np.std(rough) > 1e-3 * np.mean(rough)
    whole = divergence((1, 1, 1), vae.layer, features, z, log_q, log_p, 100)
    np.testing.assert_allclose(whole, log_q - log_p, rtol=1e-4, atol=1e-4)


def _kl(vae, x, seed):
    with noise.seeded(seed, 0):
        return float(tf.reduce_mean(vae.parts(x)[1]))


@pytest.mark.parametrize("posterior", quick(["diagonal", "realnvp"], "diagonal"))
def test_weights_count_in_training_alone(posterior):
    x, weights = tf.constant(binary(16)), (0.5, 3.0, 3.0)

    def losses(kl_weights, training, rows=40):
        vae = small(posterior, kl_weights=kl_weights)
        shuffled(vae.layer)
        vae._row_count = rows
        with noise.seeded(0, 0):
            loss = vae._batch_loss((x,), training)
        return float(loss), [float(mean.result()) for mean in vae._means], vae

    plain, measured, vae = losses(None, True)
    np.testing.assert_allclose(losses((1, 1, 1), True)[0], plain, rtol=1e-5)
    weighted, same, _ = losses(weights, True)
    np.testing.assert_allclose(same, measured, rtol=1e-5)
    np.testing.assert_allclose(losses(weights, False)[0], losses(None, False)[0], rtol=1e-6)
    features = vae.layer.encode(x)
    with noise.seeded(0, 0):
        z, log_q = vae.layer.draw(features)
    each, given = np.repeat(z, 16, axis=0), np.tile(features, [16, 1])
    eps, log_det = vae.layer.posterior.inverse_and_log_det(each, given)
    densities = log_det - tf.reduce_sum(eps**2, -1) / 2 - np.log(2 * np.pi)
    densities = densities.numpy().reshape(16, 16)
    shares = np.where(np.eye(16) > 0, 1 / 40, 39 / 40 / 15)
    joint = np.log(np.sum(shares * np.exp(densities), axis=1))
    log_p = vae.flow.distribution.log_prob(z)
    kl = np.mean(0.5 * (log_q - joint) + 3 * (joint - log_p))
    np.testing.assert_allclose(weighted, plain - np.mean(log_q - log_p) + kl, rtol=1e-4)


def test_batches_in_parts_are_refused():
    vae = small(kl_weights=(1, 2, 1))
    vae.compile("adam", accumulate=3, jit_compile=False)
    with pytest.raises(tff.InputError, match="accumulate is 3, and kl_weights compare the rows"):
        vae.fit(binary(16), batch_size=8, verbose=0)


@pytest.mark.deep
def test_independent_latents_by_training(tmp_path):
    """Of two things that mostly go together latents are told that do so less."""
    random = np.random.default_rng(0)
    one = random.uniform(size=(600, 1)) < 0.5
    other = one ^ (random.uniform(size=(600, 1)) < 0.1)
    shares = np.where(np.concatenate([one] * 3 + [other] * 3, axis=1), 0.98, 0.02)
    x = (random.uniform(size=(600, 6)) < shares).astype(np.float32)
    found = {}
    for weights in (None, (1.0, 40.0, 1.0)):
        vae = small(kl_weights=weights)
        vae.compile(keras.optimizers.Adam(0.02))
        vae.fit(x, epochs=40, batch_size=100, verbose=0)
        found[weights] = vae.kl_parts(x, draws=4)
    assert found[1.0, 40.0, 1.0].total_correlation < 0.5 * found[None].total_correlation
    vae.save(tmp_path / "vae.keras")
    loaded = tff.load(tmp_path / "vae.keras")
    assert loaded.kl_weights == (1.0, 40.0, 1.0)
    np.testing.assert_array_equal(loaded.bound(x[:9], draws=5), vae.bound(x[:9], draws=5))
    loaded.compile("adam")
    loaded.fit(x[:300], epochs=1, verbose=0)
    assert loaded._row_count == 300


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: small(kl_weights=(1, 2)), r"three numbers from 0 on, .* got \(1, 2\)"),
        (lambda: small(kl_weights=(1, -2, 1)), "three numbers from 0 on"),
        (lambda: small("iaf", kl_weights=(1, 1, 1)), "search or a loop for posterior='iaf'; take"),
        (lambda: small("realnvp", kl_weights=(1, 4, 1)), "density of each latent by itself"),
        (lambda: small("realnvp").kl_parts(binary()), "kl_parts needs the density of each latent"),
        (
            lambda: small(
                kl_weights=(1, 4, 1),
                prior=tff.flows.realnvp(event_shape=2, standardize=False, **SMALL["realnvp"]),
            ),
            "the standard normal prior",
        ),
        (
            lambda: small(kl_weights=(1, 4, 1)).fit(tf.data.Dataset.from_tensors(binary())),
            "give fit an array",
        ),
        (
            lambda: small(kl_weights=(1, 4, 1)).fit(binary(), sample_weight=np.ones(64)),
            "no sample_weight",
        ),
    ],
)
def test_what_will_not_do(act, message):
    with pytest.raises(tff.InputError, match=message):
        act()
