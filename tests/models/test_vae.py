"""Autoencoders: training, files, what they draw and measure, bad input."""

import numpy as np
import pytest
import tensorflow as tf
from autoencoders import SMALL, binary, dense, shuffled, small
from depth import quick

import tfp_flows as tff
from tfp_flows import noise
from tfp_flows.bijectors import Bijector
from tfp_flows.config import DEFAULTS

keras = tf.keras
pytestmark = pytest.mark.keras


@pytest.mark.keras(cases=("diagonal", "iaf"))
# The densities of the others are in test_vae_bounds.
@pytest.mark.parametrize("posterior", quick(["diagonal", "planar", "sylvester", "iaf", "naf"]))
def test_training_saving_loading(tmp_path, posterior):
    vae = small(posterior, prior=prior(), free_bits=0.1, warm_up=5)
    x = binary(256)
    before = vae.bound(x, draws=50).mean()
    vae.compile(keras.optimizers.Adam(0.02))
    history = vae.fit(x, epochs=12, batch_size=32, validation_split=0.25, verbose=0).history
    assert {"loss", "kl", "bits_per_dim", "val_loss", "val_kl"} <= set(history)
    bounds = vae.bound(x, draws=50)
    assert bounds.mean() > before + 0.5
    vae.save(tmp_path / "vae.keras")
    loaded = tff.load(tmp_path / "vae.keras")
    assert type(loaded) is tff.models.VAE
    assert (loaded.free_bits, loaded.warm_up, loaded.name) == (0.1, 5, vae.name)
    np.testing.assert_array_equal(loaded.bound(x, draws=50), bounds)
    np.testing.assert_array_equal(loaded.sample(3, seed=2), vae.sample(3, seed=2))
    # What was loaded is what is trained on, and what its parts see.
    loaded.compile("adam")
    loaded.fit(x, epochs=1, verbose=0)
    assert np.abs(loaded.bound(x, draws=50) - bounds).max() > 0


def test_the_flow_of_a_file_is_kept():
    """Not built again, by what defaults mean when it is read."""
    config = small("iaf").get_config()
    config["flow"] = config["flow"].replace(f'"defaults": {DEFAULTS}', '"defaults": 1')
    loaded = tff.models.VAE.from_config(config)
    assert loaded.flow.defaults_generation == 1
    assert loaded.layer.posterior.defaults_generation == 1


def prior():
    return tff.flows.realnvp(
        event_shape=2, num_layers=2, hidden_units=[4], standardize=False, seed=1
    )


def test_a_prior_is_trained_and_counts():
    x, flow = binary(128), prior()
    vae = small(prior=flow)
    start = [variable.numpy() for variable in flow.trainable_variables]
    vae.compile(keras.optimizers.Adam(0.02))
    vae.fit(x, epochs=2, batch_size=32, verbose=0)
    moved = [
        np.abs(v.numpy() - s).max() for v, s in zip(flow.trainable_variables, start, strict=True)
    ]
    assert max(moved) > 1e-3
    z = tf.constant(vae.encode(x[:4]))
    np.testing.assert_allclose(vae.flow.distribution.log_prob(z), flow.log_prob(z))


def test_free_bits_and_warm_up():
    """In training the KL counts from `free_bits` on, and by its share of the warm-up."""
    x = tf.constant(binary(64))

    def loss(step, training=True, **options):
        vae = small(**options)
        shuffled(vae.layer)
        vae.compile("adam")
        vae.optimizer.iterations.assign(step)
        with noise.seeded(0, 0):
            found = vae._batch_loss((x,), training)
        with noise.seeded(0, 0):
            return float(found), *(float(tf.reduce_mean(part)) for part in vae.parts(x))

    found, reconstruction, kl = loss(0)
    assert kl > 0.05
    np.testing.assert_allclose(found, kl - reconstruction, rtol=1e-5)
    np.testing.assert_allclose(loss(0, free_bits=50.0)[0], 50 - reconstruction, rtol=1e-5)
    np.testing.assert_allclose(loss(1, warm_up=8)[0], kl / 4 - reconstruction, rtol=1e-4)
    np.testing.assert_allclose(loss(9, warm_up=8)[0], kl - reconstruction, rtol=1e-5)
    found = loss(0, training=False, free_bits=50.0, warm_up=8)[0]
    np.testing.assert_allclose(found, kl - reconstruction, rtol=1e-5)


def test_units_that_say_something():
    class First(Bijector):
        """The first latent is the first feature, the second noise."""

        def __init__(self):
            super().__init__(event_shape=2, context_shape=5, dtype=tf.float32)

        def _forward_and_log_det(self, x, context, training):
            mean = tf.stack([3 * context[..., 0], tf.zeros_like(context[..., 0])], axis=-1)
            return mean + x, tf.zeros(tf.shape(x)[:-1])

    vae = small()
    vae.layer._posterior = First()
    x = binary(400)
    assert vae.active_units(x, draws=64).tolist() == [True, False]
    features = vae.layer.encode(tf.constant(x)).numpy()
    exact = np.mean((3 * features[:, 0]) ** 2) / 2
    np.testing.assert_allclose(vae.latent_kl(x), [exact, 0], atol=0.02)
    with pytest.raises(tff.InputError, match="2 draws at least"):
        vae.latent_kl(x, draws=1)


def test_latents_are_measured_by_a_prior_that_is_a_flow():
    flow = prior()
    shuffled(flow)
    vae = small(prior=flow)
    z = flow.sample(40_000, seed=5).numpy()
    loc, scale = vae.prior_moments()
    np.testing.assert_allclose(loc, z.mean(0), atol=0.05 * z.std(0).max())
    np.testing.assert_allclose(scale, z.std(0), rtol=0.05)
    # A new posterior is a standard normal.
    exact = np.log(scale) + (1 + loc**2) / (2 * scale**2) - 0.5
    np.testing.assert_allclose(vae.latent_kl(binary(64), draws=256), exact, atol=0.03)


@pytest.mark.deep
def test_a_class_as_context():
    encoder, decoder = dense(6, 5), dense(2 + 3, 6)
    vae = tff.models.VAE(encoder, decoder, latent_size=2, context_shape=3, posterior="iaf",
                         posterior_options=SMALL["iaf"], seed=0)  # fmt: skip
    x, told = binary(60), np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    shuffled(vae.layer)
    assert np.abs(vae.bound(x, told, draws=4) - vae.bound(x, told[::-1], draws=4)).max() > 1e-3
    vae.compile("adam")
    vae.fit(x, told, epochs=1, verbose=0)
    assert vae.sample(3, told[:3]).shape == (3, 6)
    assert vae.reconstruct(x[:3], told[:3]).shape == (3, 6)
    assert vae.encode(x, told).shape == (60, 2)


def test_a_preset_for_pictures():
    vae = tff.models.picture_vae(event_shape=(4, 4, 1), latent_size=3, hidden_units=[8], seed=0)
    again = tff.models.picture_vae(event_shape=(4, 4, 1), latent_size=3, hidden_units=[8], seed=0)
    assert vae.sample(2).shape == (2, 4, 4, 1)
    np.testing.assert_array_equal(vae.sample(2), again.sample(2))
    figure = tff.plotting.plot_traversals(vae, binary(3, 16).reshape(3, 4, 4, 1), columns=2)
    assert len(figure.axes) == 3
    z = vae.encode(binary(1, 16).reshape(1, 4, 4, 1))
    latent = int(figure.axes[0].get_ylabel().split()[0])
    z[0, latent] = -2.5
    shown = figure.axes[0].images[0].get_array()[:, :4, 0]
    np.testing.assert_allclose(shown, 255 * vae.decode(z)[0, ..., 0], atol=0.6)


def test_black_and_white():
    images = np.array([[0, 100, 128, 255]], np.uint8)
    np.testing.assert_array_equal(tff.models.binarise(images), [[0, 0, 1, 1]])
    drawn = np.concatenate([tff.models.binarise(images, seed=seed) for seed in range(2000)])
    np.testing.assert_allclose(drawn.mean(0), images[0] / 255, atol=0.04)
    np.testing.assert_array_equal(
        tff.models.binarise(images, seed=3), tff.models.binarise(images / 255, seed=3)
    )
    with pytest.raises(tff.InputError, match="bytes, or numbers from 0 to 1; got float64 from 0"):
        tff.models.binarise(images.astype(float))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: small("ifa"), "did you mean 'iaf'"),
        (lambda: small(posterior_options={"num_layers": 2}), "no options, got num_layers"),
        (lambda: small("iaf", posterior_options={"depth": 2}), "Unknown option of iaf 'depth'"),
        (lambda: small(likelihood="bernuli"), "did you mean 'bernoulli'"),
        (lambda: small(likelihood="normal"), r"returns events of shape \(6,\).* must be \(12,\)"),
        (lambda: small(free_bits=-1.0), "must not be negative"),
        (lambda: small(prior=tff.flows.realnvp(event_shape=3)), r"latents are of \(2,\)"),
        (lambda: small(prior=tff.flows.realnvp(event_shape=2)), "build it with standardize=False"),
        (lambda: small(prior="normal"), "A prior is a Flow"),
        (lambda: small().fit(3 * binary()), "values from 0 to 3, and this likelihood is of values"),
        (lambda: small().bound(3 * binary()), "values from 0 to 3"),
        (lambda: small().evaluate(3 * binary()), "values from 0 to 3"),
        (lambda: small().predict(3 * binary()), "values from 0 to 3"),
        (lambda: small().fit(binary(), validation_data=3 * binary()), "validation_data has values"),
        (
            lambda: tff.models.VAE(keras.layers.Dense(3), dense(2, 6), latent_size=2),
            "give event_shape",
        ),
        (
            lambda: tff.models.VAE(
                keras.Sequential([keras.Input([3, 2]), keras.layers.Dense(3)]),
                dense(2, 6),
                latent_size=2,
            ),
            "give one that returns a vector each",
        ),
    ],
)
def test_what_will_not_do(build, message):
    with pytest.raises(tff.InputError, match=message):
        build()


def test_there_is_no_density_of_means():
    with pytest.raises(NotImplementedError, match="log_prob bounds that of data"):
        small().flow.sample_and_log_prob(3)
