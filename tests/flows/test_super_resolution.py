"""Flows of large images given small ones."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick

import tfp_flows as tff
from tfp_flows.networks import MLP, JoinedContext, PictureUpsampling
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


RECIPES = {
    "glow": lambda **options: tff.flows.glow(
        event_shape=LARGE,
        context_shape={"label": 3, "mask": (4, 4, 2)},
        **{"num_levels": 2, "depth": 1, "hidden_units": [4], "injectors": True, **options},
    ),
    "glow_of_vectors": lambda **options: tff.flows.glow(
        event_shape=LARGE,
        context_shape={"label": 3, "slant": 1},
        **{"num_levels": 2, "depth": 1, "hidden_units": [4], "injectors": True, **options},
    ),
    "realnvp_image": lambda **options: tff.flows.realnvp_image(
        event_shape=LARGE,
        context_shape={"label": 3, "mask": (4, 4, 2)},
        pool_context=True,
        **{"num_levels": 2, "num_couplings": 1, "hidden_units": [4], "alpha": None, **options},
    ),
    "super_resolution": lambda **options: flow_of(
        further_context={"label": 3, "mask": (4, 4, 2)}, **options
    ),
}


@pytest.mark.parametrize("name", quick(list(RECIPES), "super_resolution", "glow_of_vectors"))
def test_vectors_and_maps_steer_together(name, tmp_path):
    flow = RECIPES[name](bins=None, dtype=tf.float64, seed=1)
    generator = np.random.default_rng(3)
    x = generator.normal(size=(3, *LARGE))
    context = {key: generator.normal(size=(3, *shape)) for key, shape in flow.context_shape.items()}
    flow.adapt(x, context)
    rows.randomise(flow, scale=0.2)
    z = flow.to_latent(x, context)
    np.testing.assert_allclose(flow.from_latent(z, context), x, atol=1e-8)

    def latent_of_many(many):
        tiled = {key: np.resize(value, (len(many), *value.shape[1:])) for key, value in given}
        return flow.to_latent(many, tiled)

    given = list(context.items())
    log_det = autodiff_log_det(latent_of_many, tf.constant(x))
    expected = flow.distribution.log_prob(z) + log_det
    np.testing.assert_allclose(flow.log_prob(x, context), expected, atol=1e-8)
    for key, value in context.items():
        assert np.abs(flow.to_latent(x, context | {key: value + 0.5}) - z).max() > 1e-4
    model = tff.FlowModel(flow)
    model.save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras").flow
    np.testing.assert_allclose(loaded.log_prob(x, context), expected, atol=1e-8)


def test_vectors_are_joined_to_maps_at_all_places():
    join = JoinedContext(context_shape={"b": (2, 3, 1), "a": 2}, places=(2, 3))
    assert join.output_shape == (2, 3, 3)
    given = {"b": tf.random.normal([5, 2, 3, 1]), "a": tf.random.normal([5, 2])}
    result = join(given)
    np.testing.assert_array_equal(result[..., 2:], given["b"])
    np.testing.assert_array_equal(result[:, 1, 2, :2], given["a"])
    assert JoinedContext(context_shape={"a": 2, "b": 3}, places=(2, 3)).output_shape == (5,)
    with pytest.raises(ValueError, match="an empty dict"):
        JoinedContext(context_shape={}, places=(2, 3))
    with pytest.raises(ValueError, match=r"no context for the encoders \['c'\]"):
        JoinedContext(context_shape={"a": 2}, places=(2, 3), encoders={"c": join})


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
        ({"factor": 2, "further_context": 10}, "a dict of shapes by name"),
        ({"factor": 2, "further_context": {"small": 3}}, "none of them 'small'"),
        ({"factor": 2, "further_context": {"mask": (2, 2, 1)}}, "neither of a vector nor"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        tff.flows.super_resolution(event_shape=LARGE, **options)
    with pytest.raises(ValueError, match="injectors need a context"):
        tff.flows.glow(event_shape=LARGE, num_levels=1, injectors=True)
    with pytest.raises(ValueError, match=r"a vector or a map of places \(4, 4\)"):
        tff.bijectors.AffineInjector(event_shape=LARGE, context_shape=(2, 2, 3))
    with pytest.raises(ValueError, match="give context_shape"):
        tff.bijectors.AffineInjector(event_shape=LARGE, context_shape=None)
    with pytest.raises(ValueError, match="1 values a row, but 1 coordinates with 2 parameters"):
        tff.bijectors.AffineInjector(
            event_shape=LARGE, context_shape=3, conditioner=MLP(input_size=3, output_size=1)
        )
