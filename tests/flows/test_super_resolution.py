"""Flows of large images given small ones."""

import numpy as np
import pytest
import rows
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.networks import PictureUpsampling
from tfp_flows.networks.picture_upsampling import cubic_weights
from tfp_flows.testing.jacobian import autodiff_log_det

LARGE, SMALL = (4, 4, 1), (2, 2, 1)


def flow_of(**options):
    sizes = {"depth": 1, "hidden_units": [4], "encoder_units": [4], "features": 3, "seed": 1}
    return tff.flows.super_resolution(event_shape=LARGE, factor=2, **sizes | options)


def pairs(count, seed=0):
    """Large images whose blocks vary about the pixels of the small ones."""
    generator = np.random.default_rng(seed)
    small = generator.integers(60, 190, (count, *SMALL))
    noise = generator.integers(-8, 9, (count, *LARGE))
    large = small.repeat(2, axis=1).repeat(2, axis=2) + noise
    return large.astype(np.float32), small.astype(np.float32)


def test_log_prob_is_that_of_the_jacobian_and_samples_go_back():
    flow = rows.randomise(flow_of(bins=None, dtype=tf.float64), scale=0.2)
    generator = np.random.default_rng(2)
    x, small = generator.normal(size=(3, *LARGE)), generator.normal(size=(3, *SMALL))
    z = flow.to_latent(x, small)
    np.testing.assert_allclose(flow.from_latent(z, small), x, atol=1e-9)
    log_det = autodiff_log_det(flow.to_latent, tf.constant(x), tf.constant(small))
    expected = flow.distribution.log_prob(z) + log_det
    np.testing.assert_allclose(flow.log_prob(x, small), expected, atol=1e-8)


@pytest.mark.deep
def test_the_small_image_steers_and_says_the_mean():
    x, small = pairs(256)
    model = tff.FlowModel(flow_of())
    model.compile(tf.keras.optimizers.Adam(1e-2), jit_compile=False)
    model.fit(x, context=small, epochs=40, verbose=0)
    held_out, given = pairs(64, seed=1)
    right = model.predict(held_out, given, verbose=0).mean()
    wrong = model.predict(held_out, given[::-1].copy(), verbose=0).mean()
    # More than a bit a pixel.
    assert right - wrong > 16 * np.log(2)
    expected = model.flow.sample(1, given, temperature=0.0)[0]
    spread = np.abs(expected - given.repeat(2, axis=1).repeat(2, axis=2)).mean()
    assert spread < np.abs(given - given[::-1]).mean() / 3


def test_the_encoder_enlarges_cubically_and_beside_it():
    picture = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 1)).astype(np.float32)
    network = PictureUpsampling(channels=1, factor=3, features=2, hidden_units=[4], seed=0)
    result = network(picture)
    assert result.shape == (2, 9, 15, 3)
    expected = tf.image.resize(picture, (9, 15), "bicubic") / 127.5 - 1
    # TensorFlow takes the kernel from a table.
    np.testing.assert_allclose(result[..., :1], expected, atol=3e-3)
    np.testing.assert_allclose(cubic_weights(4, 3).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 3}, "divisible by 3"),
        ({"factor": 1}, "must be 2 or more"),
        ({"factor": 2, "num_levels": 4}, "use fewer levels"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        tff.flows.super_resolution(event_shape=LARGE, **options)
    with pytest.raises(ValueError, match="injectors need a context map"):
        tff.flows.glow(event_shape=LARGE, num_levels=1, injectors=True)
    with pytest.raises(ValueError, match=r"needs a map of the places \(4, 4\)"):
        tff.bijectors.AffineInjector(event_shape=LARGE, context_shape=3)
