"""Contexts with a shape, events of free length, densities by place: at the level of flows."""

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.testing.jacobian import autodiff_log_det

tfd, tfb = tfp.distributions, tfp.bijectors
B = tff.bijectors
IMAGE, MAP = (4, 4, 1), (4, 4, 2)


def draw(*shape, seed=1):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float64)


@pytest.mark.parametrize(
    ("name", "options", "context_shape"),
    [
        ("glow", {"depth": 1}, MAP),
        pytest.param("glow", {"depth": 1, "pool_context": True}, MAP, marks=pytest.mark.deep),
        pytest.param("glow", {"depth": 1}, (2,), marks=pytest.mark.deep),
        ("realnvp_image", {"num_couplings": 1, "alpha": None, "pool_context": True}, MAP),
        pytest.param("realnvp_image", {"alpha": None}, MAP, marks=pytest.mark.deep),
    ],
)
def test_a_context_map_follows_the_levels_of_an_image_flow(name, options, context_shape):
    flow = tff.flows.get(name)(
        event_shape=IMAGE,
        context_shape=context_shape,
        num_levels=2,
        hidden_units=[6],
        bins=None,
        dtype=tf.float64,
        seed=1,
        **options,
    )
    rows.randomise(flow, scale=0.1)
    x, context = draw(3, *IMAGE), draw(3, *context_shape, seed=2)
    flow.adapt(x, context)
    z = flow.to_latent(x, context)
    expected = flow.distribution.log_prob(z) + autodiff_log_det(flow.to_latent, x, context)
    log_prob = flow.log_prob(x, context)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-9)
    np.testing.assert_allclose(flow.from_latent(z, context), x, atol=1e-9)
    by_place = flow.log_prob_map(x, context)
    assert by_place.shape == (3, *IMAGE[:2])
    np.testing.assert_allclose(tf.reduce_sum(by_place, axis=[1, 2]), log_prob, rtol=1e-9)
    # One corner of the context matters, and so does one of its channels.
    moved = context.numpy()
    moved[:, -1] += 1.0
    assert not np.isclose(flow.log_prob(x, moved), log_prob).any()
    assert flow.sample(2, context).shape == (2, 3, *IMAGE)
    np.testing.assert_allclose(flow.given(context).log_prob(x), log_prob, rtol=1e-12)


def test_a_context_that_does_not_fit_is_refused_with_its_level():
    def level(shape, context, squeezed):
        squeeze = B.Squeeze(event_shape=shape, context_shape=squeezed)
        return B.Chain([B.Coupling(event_shape=shape, context_shape=context), squeeze])

    first = level((4, 4, 2), (4, 4, 3), (4, 4, 3))
    with pytest.raises(ValueError, match=r"level 2 takes .* \(2, 2, 3\), but .* \(2, 2, 12\)"):
        B.MultiScale([first, level((2, 2, 4), (2, 2, 3), (2, 2, 3))])
    with pytest.raises(ValueError, match=r"disagree on context_shape: \[\(4, 4, 3\), \(2, 2, 12"):
        B.Chain(
            [
                B.Coupling(event_shape=(4, 4, 2), context_shape=(4, 4, 3)),
                B.Squeeze(event_shape=(4, 4, 2)),
                B.Coupling(event_shape=(2, 2, 8), context_shape=(2, 2, 12)),
            ]
        )
    with pytest.raises(ValueError, match=r"4 x 4 in level 1, got context_shape \(2, 4, 3\)"):
        tff.flows.glow(event_shape=IMAGE, context_shape=(2, 4, 3), num_levels=1)
    with pytest.raises(ValueError, match=r"places \(4, 4\) as context, .* got .*\(4, 3\)"):
        B.Coupling(event_shape=(4, 4, 2), context_shape=(4, 3))
    for cls in (B.MaskedAutoregressive, B.InverseAutoregressive, B.Coupling, B.Planar):
        with pytest.raises(ValueError, match="needs a vector as context"):
            cls(event_shape=3, context_shape=(2, 2))
    with pytest.raises(ValueError, match="cannot go back"):
        B.Invert(B.Squeeze(event_shape=(4, 4, 2), context_shape=(4, 4, 1)))


def test_a_pooled_context_is_the_mean_of_each_block():
    context = draw(2, 4, 6, 3)
    for shape, axes in (((4, 6, 2), 2), ((6, 2), 1)):
        value = context if axes == 2 else context[:, 0]
        squeeze = B.Squeeze(
            event_shape=shape, context_shape=(*shape[:-1], 3), pool_context=True, dtype=tf.float64
        )
        inward = squeeze._context_inward(value)
        pool = tf.nn.avg_pool(value, [2] * axes, 2, "VALID")
        np.testing.assert_allclose(inward, pool, rtol=1e-12)


def sequence_flow(leaving=None):
    """Of sequences of any length divisible by 4, with a context map and density by place."""
    squeeze = B.Squeeze(event_shape=(None, 1), factor=4, context_shape=(None, 2), pool_context=True)
    options = {"hidden_units": [6], "context_shape": (None, 2), "seed": 1}
    first = B.Chain([squeeze, B.Coupling(event_shape=(None, 4), **options)])
    rest = 4 - (leaving or 2)
    second = B.Chain(
        [
            B.InvertibleConv1x1(event_shape=(None, rest), seed=3),
            B.Coupling(event_shape=(None, rest), mask="~channel", **options),
        ]
    )
    bijector = B.MultiScale([first, second], leaving=leaving)
    return rows.randomise(tff.Flow(tff.flows.standard_normal((None, 4)), bijector), scale=0.2)


def test_lengths_of_samples_come_from_the_context_or_are_asked_for():
    flow = sequence_flow(leaving=1)
    for length in (8, 20):
        context = tf.cast(draw(3, length, 2), tf.float32)
        sample, log_prob = flow.sample_and_log_prob(5, context, seed=(0, 1))
        assert sample.shape == (5, 3, length, 1)
        np.testing.assert_allclose(flow.log_prob(sample, context), log_prob, rtol=1e-3, atol=1e-3)
        again = flow.sample(5, context, seed=(0, 1), length=length)
        np.testing.assert_allclose(again, sample, rtol=1e-5, atol=1e-5)
        assert flow.given(context).sample(2).shape == (2, 3, length, 1)
        calm = flow.sample(5, context, temperature=0.0)
        np.testing.assert_allclose(flow.to_latent(calm, context), 0, atol=1e-5)
        sums = tf.reduce_sum(flow.log_prob_map(sample, context), axis=-1)
        np.testing.assert_allclose(sums, log_prob, rtol=1e-3, atol=1e-3)
    for length, message in ((8, "is of length"), ((20, 1), "need 1 lengths")):
        with pytest.raises(ValueError, match=message):
            flow.sample(2, context, length=length)
    with pytest.raises(ValueError, match="6 is not divisible by 4"):
        flow.sample(2, context[:, :6])
    with pytest.raises(ValueError, match="6 is not divisible by 4"):
        flow.log_prob(sample[..., :6, :], context[:, :6])
    with pytest.raises(ValueError, match="context has length 8, but its event length 20"):
        flow.log_prob(sample, context[:, :8])
    latent = flow.to_latent(sample, context)
    assert latent.shape == (5, 3, 5, 4)
    np.testing.assert_allclose(flow.from_latent(latent, context), sample, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="context has length 5, but its event length 20"):
        flow.from_latent(latent, context[:, :5])
    with pytest.raises(ValueError, match="length is for events of free length"):
        tff.flows.maf(event_shape=2).sample(3, length=4)
    free = tff.Flow(tff.flows.standard_normal((None, 2)), B.Permutation(event_shape=(None, 2)))
    assert free.sample((2, 3), length=7).shape == (2, 3, 7, 2)
    with pytest.raises(ValueError, match="give length="):
        free.sample(2)
    assert tff.bases.StandardNormal(event_shape=(None, None, 3)).sample(2, length=(4, 5)).shape == (
        2,
        4,
        5,
        3,
    )


def test_what_cannot_be_of_free_length_says_so():
    names = [name for name, row in rows.BIJECTORS.items() if not row.fixed]
    classes = {
        type(rows.BIJECTORS[name].build(tf.float32)) for name in names if "keras" not in name
    }
    # Blockwise has the event of its members.
    fixed = {cls for cls in classes if not cls.free_lengths} - {B.Blockwise}
    assert {B.MaskedAutoregressive, B.InvertibleLinear, B.Planar} <= fixed
    for cls in fixed:
        with pytest.raises(ValueError, match=r"needs events of known size, got .*\(None, 3\)"):
            cls(event_shape=(None, 3))
    for cls in (B.Scale, B.ActNorm, B.Standardize, B.BatchNorm):
        with pytest.raises(ValueError, match="use per_channel=True"):
            cls(event_shape=(None, 3))
    with pytest.raises(ValueError, match="before the last axis"):
        B.Permutation(event_shape=(3, None))
    with pytest.raises(ValueError, match="levels keep the places, but level 2"):
        B.MultiScale([B.Squeeze(event_shape=(None, 2)), B.Squeeze(event_shape=(None, 2))])
    with pytest.raises(ValueError, match="cannot be inverted where lengths are free"):
        B.Invert(B.Squeeze(event_shape=(None, 2)))
    with pytest.raises(ValueError, match=r"(?i)unknown mask"):
        B.Coupling(event_shape=(None, None, 2), mask="checkerboard")
    levels = [B.Permutation(event_shape=(None, n)) for n in (3, 1)]
    with pytest.raises(ValueError, match="3 channels cannot leave after level 1"):
        B.MultiScale(levels, leaving=3)


def test_the_density_by_place_is_that_of_each_place():
    # Each place by itself is a vector of a known density.
    event = (2, 3, 2)
    conv = B.InvertibleConv1x1(event_shape=event, dtype=tf.float64, seed=1)
    act = B.ActNorm(event_shape=event, per_channel=True, dtype=tf.float64)
    act.adapt(draw(20, *event) * [3.0, 0.5] + 1.0)
    flip = B.Permutation(event_shape=event, dtype=tf.float64)
    shift = tfb.Shift(tf.constant([1.0, -2.0], tf.float64))
    flow = tff.Flow(tff.flows.standard_normal(event, tf.float64), B.Chain([act, shift, flip, conv]))
    rows.randomise(flow)
    x = draw(4, *event, seed=3)
    # The matrix and the offset of the map from latent to data, at one place.
    units = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    everywhere = np.broadcast_to(units[:, None, None], (3, *event))
    ends = flow.from_latent(tf.constant(everywhere, tf.float64))[:, 0, 0]
    matrix = tf.transpose(ends[1:] - ends[0])
    normal = tfd.MultivariateNormalFullCovariance(ends[0], matrix @ tf.transpose(matrix))
    np.testing.assert_allclose(flow.log_prob_map(x), normal.log_prob(x), rtol=1e-9)
    # A vector is one place.
    vector = tff.flows.maf(event_shape=2, dtype=tf.float64)
    np.testing.assert_allclose(vector.log_prob_map(x[0, 0]), vector.log_prob(x[0, 0]))


def test_who_has_no_density_by_place_says_its_name():
    class Mixing(B.Bijector):
        def _inverse_and_log_det(self, y, context, training):
            return y[..., ::-1, :], tf.zeros(y.shape[:-2])

    base = tff.flows.standard_normal((3, 2))
    chain = B.Chain([B.Scale(event_shape=(3, 2)), Mixing(event_shape=(3, 2), name="mixing")])
    with pytest.raises(NotImplementedError, match="mixing mixes the places"):
        tff.Flow(base, chain).log_prob_map(np.zeros([1, 3, 2], np.float32))
    theirs = B.Chain([tfb.Transpose([1, 0], name="turning")], event_shape=(2, 2))
    with pytest.raises(NotImplementedError, match="turning mixes the places"):
        tff.Flow(tff.flows.standard_normal((2, 2)), theirs).log_prob_map(tf.zeros([1, 2, 2]))
    levels = B.MultiScale([B.Squeeze(event_shape=(4, 4, 1))])
    mixture = tff.bases.GaussianMixture(event_shape=16, num_components=2)
    with pytest.raises(NotImplementedError, match="not known to be independent"):
        tff.Flow(mixture, levels).log_prob_map(tf.zeros([1, 4, 4, 1]))
    behind = B.Chain([levels, B.Scale(event_shape=16)])
    with pytest.raises(NotImplementedError, match="multi_scale mixes the places"):
        tff.Flow(tff.flows.standard_normal(16), behind).log_prob_map(tf.zeros([1, 4, 4, 1]))
    # Bases that are independent: TFP's two, and ours.
    x = rows.points((2,), tf.float32, event_shape=(4, 4, 1))
    for base in (
        tfd.Sample(tfd.Normal(0.0, 2.0), 16),
        tfd.Independent(tfd.Normal(tf.zeros(16), 2.0), 1),
        tff.bases.StudentT(event_shape=16),
        tff.bases.StandardNormal(event_shape=16),
    ):
        flow = tff.Flow(base, levels)
        sums = tf.reduce_sum(flow.log_prob_map(x), axis=[1, 2])
        np.testing.assert_allclose(sums, flow.log_prob(x), rtol=1e-5)
