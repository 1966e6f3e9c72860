"""Flows of images: what is particular to them."""

import itertools

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.networks.convolution import convolve
from tfp_flows.testing.jacobian import autodiff_log_det

B = tff.bijectors
tfd = tfp.distributions

FLOWS = {
    "realnvp_image": {"num_levels": 2, "num_couplings": 2, "hidden_units": [6]},
    "glow": {"num_levels": 2, "depth": 2, "hidden_units": [6]},
}


def flow_of(name, shape=(4, 4, 2), dtype=tf.float32, scale=0.1, **options):
    recipe = getattr(tff.flows, name)
    flow = recipe(event_shape=shape, dtype=dtype, seed=0, **(FLOWS[name] | options))
    return rows.randomise(flow, scale=scale)


def test_squeeze_keeps_each_block_together():
    x = np.arange(4 * 4 * 2, dtype=np.float32).reshape(4, 4, 2)
    z = B.Squeeze(event_shape=(4, 4, 2)).inverse(x).numpy()
    assert z.shape == (2, 2, 8)
    np.testing.assert_array_equal(z[1, 0].reshape(2, 2, 2), x[2:4, 0:2])


@pytest.mark.parametrize("shape", [(3, 4, 1), (4, 3, 1), (3, 4), (4,)])
def test_squeeze_refuses_odd_sizes(shape):
    with pytest.raises(ValueError, match=r"are even, got event_shape \("):
        B.Squeeze(event_shape=shape)


def test_masks_of_images():
    board = B.coupling_mask("checkerboard", (2, 3, 2))
    assert board[..., 0].tolist() == board[..., 1].tolist()
    assert board[..., 0].tolist() == [[True, False, True], [False, True, False]]
    halves = B.coupling_mask("channel", (2, 2, 3))
    assert halves[0, 0].tolist() == [True, True, False]
    np.testing.assert_array_equal(B.coupling_mask("~channel", (2, 2, 3)), ~halves)
    with pytest.raises(tff.InputError, match="did you mean 'checkerboard'"):
        B.coupling_mask("chekerboard", (2, 2, 1))
    with pytest.raises(ValueError, match="none by channels"):
        B.coupling_mask("channel", (2, 2, 1))
    with pytest.raises(ValueError, match="needs vectors, sequences"):
        B.coupling_mask("half", (2, 2, 2, 2))
    with pytest.raises(tff.InputError, match="did you mean 'channel'"):
        B.coupling_mask("half", (2, 2))


@pytest.mark.parametrize("mask", ["checkerboard", "channel", "pixels"])
def test_what_passes_is_unchanged_and_conditions_the_rest(mask):
    shape = (4, 4, 2)
    if mask == "pixels":
        mask = np.random.default_rng(0).random(shape) < 0.5
    coupling = rows.randomise(B.Coupling(event_shape=shape, mask=mask, hidden_units=[6]))
    x = tf.constant(np.random.default_rng(1).normal(size=shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = coupling.forward(x)
    kept = coupling.mask.ravel()
    jacobian = np.reshape(tape.jacobian(y, x), [32, 32])
    np.testing.assert_array_equal(jacobian[kept], np.eye(32)[kept])
    others = jacobian[~kept][:, ~kept]
    assert np.abs(others - np.diag(np.diag(others))).max() == 0
    assert np.abs(jacobian[~kept][:, kept]).max() > 0.01


def test_per_channel_normalisation_of_constant_and_ordinary_channels():
    data = np.random.default_rng(0).normal(size=(20, 4, 4, 2)) * [3.0, 0.0] + [1.0, 7.0]
    for cls in (B.ActNorm, B.BatchNorm, B.Standardize):
        norm = cls(event_shape=(4, 4, 2), per_channel=True)
        norm.adapt(data)
        z = norm.inverse(data.astype(np.float32)).numpy()
        np.testing.assert_allclose(z.mean(axis=(0, 1, 2)), 0, atol=1e-5)
        np.testing.assert_allclose(z.std(axis=(0, 1, 2)), [1, 0], atol=1e-4)
        log_det = norm.inverse_log_det_jacobian(data[0].astype(np.float32), event_ndims=3)
        assert float(log_det) == pytest.approx(-16 * np.log(data[..., 0].std()), rel=1e-3)


def test_batch_statistics_per_channel_are_those_of_all_places():
    norm = B.BatchNorm(event_shape=(4, 4, 2), per_channel=True)
    data = np.random.default_rng(0).normal(size=(20, 4, 4, 2)).astype(np.float32) * 3 + 1
    z = norm.inverse_and_log_det(data, training=True)[0].numpy()
    np.testing.assert_allclose(z.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(z.std(axis=(0, 1, 2)), 1, atol=1e-4)


def test_dequantize_rounds_back_and_counts_bits():
    pixels = np.random.default_rng(0).integers(0, 256, size=(50, 4, 4, 1)).astype(np.float32)
    dequantize = B.Dequantize(event_shape=(4, 4, 1))
    x, log_det = dequantize.inverse_and_log_det(pixels)
    assert np.all(np.asarray(x) >= pixels / 256)
    assert np.all(np.asarray(x) < (pixels + 1) / 256)
    np.testing.assert_allclose(log_det, -16 * np.log(256), rtol=1e-6)
    back, forward = dequantize.forward_and_log_det(x)
    np.testing.assert_array_equal(back, pixels)
    np.testing.assert_allclose(forward, 16 * np.log(256), rtol=1e-6)
    again = dequantize.inverse(pixels)
    assert not np.array_equal(again, x)
    with pytest.raises(ValueError, match="bins must be"):
        B.Dequantize(event_shape=2, bins=1)


def test_uniform_density_has_eight_bits():
    uniform = tfd.Sample(tfd.Uniform(0.0, 1.0), (4, 4, 1))
    flow = tff.Flow(uniform, B.Chain([B.Dequantize(event_shape=(4, 4, 1))]))
    pixels = np.random.default_rng(0).integers(0, 256, size=(10, 4, 4, 1)).astype(np.float32)
    np.testing.assert_allclose(-flow.log_prob(pixels) / (16 * np.log(2)), 8, rtol=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.05])
def test_dequantised_density_sums_to_one_over_all_images(alpha):
    shape = (1, 2, 1)
    coupling = B.Coupling(event_shape=shape, hidden_units=[6], seed=0)
    members = [B.Dequantize(event_shape=shape, bins=4)]
    if alpha is not None:
        members.append(B.Logit(event_shape=shape, alpha=alpha))
    members += [coupling, B.Scale(event_shape=shape, per_channel=True)]
    chain = rows.randomise(B.Chain(members), scale=0.3)
    base = tfd.Sample(tfd.Normal(0.0, 1.0), shape)
    flow = tff.Flow(base, chain)
    images = np.array(list(itertools.product(range(4), repeat=2)), np.float32)
    images = images.reshape(16, *shape)
    tf.random.set_seed(0)
    draws = tf.tile(tf.constant(images)[None], [4000, 1, 1, 1, 1])
    mass = np.exp(flow.log_prob(draws)).mean(axis=0).sum()
    # A base on the whole line leaves what lies outside of the range of the pixels out.
    z = base.sample(400_000, seed=(0, 1))
    x, inside = z, np.ones(400_000, bool)
    for member in reversed(chain.bijectors[1:]):
        x = member.forward(x)
    inside = ((x.numpy() >= 0) & (x.numpy() < 1)).all(axis=(1, 2, 3))
    assert mass == pytest.approx(inside.mean(), abs=0.02)
    assert mass <= 1.02


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(
    "shape", [(4, 4, 1), pytest.param((4, 8, 3), marks=pytest.mark.deep, id="tall")]
)
def test_log_prob_is_that_of_the_jacobian(name, shape):
    flow = flow_of(name, shape, tf.float64, bins=None, alpha=None)
    flow.adapt(np.random.default_rng(0).normal(size=(30, *shape)))
    x = tf.constant(np.random.default_rng(1).normal(size=(2, *shape)))
    z = flow.to_latent(x)
    assert z.shape == (2, int(np.prod(shape)))
    log_det = autodiff_log_det(flow.to_latent, x)
    expected = flow.distribution.log_prob(z) + log_det
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-9)
    np.testing.assert_allclose(flow.from_latent(z), x, rtol=1e-9, atol=1e-9)
    assert np.abs(log_det).max() > 0.01


@pytest.mark.parametrize("name", FLOWS)
def test_shapes_are_known_before_anything_runs(name):
    flow = flow_of(name, (8, 4, 3))
    assert flow.event_shape == (8, 4, 3)
    assert flow.distribution.event_shape == (96,)
    bijector = flow.bijector
    assert bijector.forward_event_shape([5, 96]) == [5, 8, 4, 3]
    assert bijector.inverse_event_shape([8, 4, 3]) == [96]
    assert bijector.inverse_event_shape_tensor([5, 8, 4, 3]).numpy().tolist() == [5, 96]
    assert bijector.forward_event_shape_tensor([96]).numpy().tolist() == [8, 4, 3]
    assert flow.sample(2, seed=(0, 1)).shape == (2, 8, 4, 3)
    unknown = tf.function(flow.log_prob, input_signature=[tf.TensorSpec([None, 8, 4, 3])])
    assert unknown(tf.zeros([3, 8, 4, 3])).shape == (3,)


@pytest.mark.parametrize("name", FLOWS)
def test_flows_with_a_class(name):
    flow = flow_of(name, context_shape=3, bins=None)
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype(np.float32) * 0.1 + 0.5
    each = flow.log_prob(x[0], np.eye(3, dtype=np.float32))
    assert each.shape == (3,)
    assert len(set(each.numpy().tolist())) == 3
    assert flow.sample(2, np.eye(3, dtype=np.float32), seed=(0, 1)).shape == (2, 3, 4, 4, 2)


@pytest.mark.parametrize("name", FLOWS)
def test_too_many_levels_are_refused(name):
    with pytest.raises(ValueError, match=r"num_levels=4 .* not divisible by"):
        getattr(tff.flows, name)(event_shape=(4, 4, 1), num_levels=4)
    with pytest.raises(ValueError, match=r"\[height, width, channels\]"):
        getattr(tff.flows, name)(event_shape=(4, 4))


def test_levels_that_do_not_fit_are_refused():
    levels = [B.Squeeze(event_shape=(4, 4, 1)), B.Squeeze(event_shape=(2, 2, 4))]
    with pytest.raises(ValueError, match="level 2 maps events"):
        B.MultiScale(levels)
    with pytest.raises(ValueError, match="at least one level"):
        B.MultiScale([])


def test_temperature_shrinks_latents():
    flow = flow_of("glow", bins=None)
    flow.adapt(np.random.default_rng(0).normal(size=(30, 4, 4, 2)))
    whole = flow.to_latent(flow.sample(200, seed=(0, 1)))
    cool = flow.to_latent(flow.sample(200, seed=(0, 1), temperature=0.5))
    np.testing.assert_allclose(cool, 0.5 * whole, rtol=1e-2, atol=1e-3)
    with pytest.raises(ValueError, match="temperature"):
        flow.sample(2, temperature=-1.0)


def test_latent_space_tools():
    flow = flow_of("realnvp_image", bins=None, alpha=None)
    flow.adapt(np.random.default_rng(0).normal(size=(30, 4, 4, 2)))
    a, b = flow.sample(2, seed=(0, 1))
    strip = tff.flows.interpolate(flow, a, b, num=5)
    np.testing.assert_allclose(strip[0], a, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(strip[-1], b, rtol=1e-3, atol=1e-4)
    middle = (flow.to_latent(a) + flow.to_latent(b)) / 2
    np.testing.assert_allclose(flow.to_latent(strip[2]), middle, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(tff.flows.reconstruct(flow, a), a, rtol=1e-3, atol=1e-4)
    direction = tff.flows.attribute_direction(flow, a[None], b[None])
    np.testing.assert_allclose(direction, flow.to_latent(a) - flow.to_latent(b), rtol=1e-4)
    with pytest.raises(ValueError, match="at least 2"):
        tff.flows.interpolate(flow, a, b, num=1)


@pytest.mark.parametrize("sizes", [(3, 2, 5), (3, 5, 2), (5, 3, 3), (1, 3, 4)])
def test_convolutions_are_those_of_tensorflow(sizes):
    size, inputs, outputs = sizes
    generator = np.random.default_rng(0)
    x = tf.constant(generator.normal(size=(2, 4, 6, inputs)))
    kernel = tf.constant(generator.normal(size=(size, size, inputs, outputs)))

    def evaluate(convolution):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolution(x, kernel)
            loss = tf.reduce_sum(tf.sin(y))
        return [y, *tape.gradient(loss, [x, kernel])]

    expected = evaluate(lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "SAME"))
    for one, other in zip(evaluate(convolve), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_units": [4, 5]}, "equal numbers of channels"),
        ({"block_kernel_sizes": ()}, "at least one a block"),
        ({"kernel_size": 2}, "must be odd"),
        ({"input_bound": 0.0}, "input_bound must be positive"),
    ],
)
def test_networks_check_their_sizes(options, message):
    with pytest.raises(ValueError, match=message):
        tff.networks.ResidualConvNetwork(input_size=1, output_size=2, **options)


PAPER = {
    "realnvp_image": {
        "num_levels": 2,
        "hidden_units": (64,) * 8,
        "half_size": False,
        "normalization": "batch",
    },
    "glow": {"num_levels": 3, "depth": 32, "hidden_units": (512,)},
}


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.parametrize("name", FLOWS)
def test_sizes_of_the_papers_build_and_invert(name):
    flow = getattr(tff.flows, name)(event_shape=(32, 32, 3), seed=0, bins=None, **PAPER[name])
    x = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32) * 0.9 + 0.05
    flow.adapt(x)
    z, log_det = flow.bijector.inverse_and_log_det(x)
    back, forward = flow.bijector.forward_and_log_det(z)
    np.testing.assert_allclose(back, x, atol=1e-3)
    np.testing.assert_allclose(forward, -log_det, rtol=1e-4)
    assert z.shape == (2, 3072)
