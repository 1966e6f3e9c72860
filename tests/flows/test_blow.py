"""Blow: log-dets, other lengths than in training, who speaks, what does not fit."""

import numpy as np
import pytest
import tensorflow as tf
from rows import randomise

import tfp_flows as tff
from tfp_flows.testing.jacobian import autodiff_log_det

SPEAKERS, UNIT = 3, 8
SMALL = {
    "context_shape": SPEAKERS,
    "squeeze": 4,
    "num_blocks": 2,
    "depth": 2,
    "hidden_units": [6, 6],
    "embedding_size": 5,
    "seed": 1,
}


def recordings(count, length, seed=0):
    """Noise on the grid of 16 bits, and who speaks."""
    generator = np.random.default_rng(seed)
    x = np.round(3000 * generator.standard_normal((count, length, 1))) / 2**15
    return x, np.eye(SPEAKERS)[np.arange(count) % SPEAKERS]


def flow_of(spread=0.1, **options):
    flow = randomise(tff.flows.blow(**{**SMALL, **options}), scale=spread)
    flow.adapt(*recordings(21, 64, seed=1))
    return flow


@pytest.mark.parametrize("initial", ["subbands", pytest.param("rotation", marks=pytest.mark.deep)])
def test_log_det_is_that_of_the_jacobian(initial):
    flow = flow_of(dtype=tf.float64, bins=None, initial=initial, depth=1)
    x, context = recordings(2, 32)
    x = np.repeat(x[:1], 2, axis=0)
    z = flow.to_latent(x, context)
    log_det = autodiff_log_det(flow.to_latent, tf.constant(x), tf.constant(context))
    scores = flow.log_prob(x, context)
    np.testing.assert_allclose(scores, log_det + flow.distribution.log_prob(z), rtol=1e-10)
    np.testing.assert_allclose(flow.from_latent(z, context), x, atol=1e-10)
    assert abs(scores[0] - scores[1]) > 1e-3


def test_recordings_of_any_length():
    """A long one is a piece of itself away from the edges, and comes back."""
    flow = flow_of(spread=0.05, bins=None)
    x, context = recordings(1, 2048)
    whole = flow.log_prob_map(x, context).numpy()[0]
    np.testing.assert_allclose(whole.sum(), flow.log_prob(x, context)[0], rtol=1e-4)
    # Behind two convolutions of three places in each coupling.
    margin = 2 * 2 * (4 + 8)
    piece = flow.log_prob_map(x[:, 512:1024], context).numpy()[0]
    inner = slice(margin, -margin)
    np.testing.assert_allclose(piece[inner], whole[512:1024][inner], rtol=1e-3, atol=1e-4)
    assert np.abs(piece[0] - whole[512]) > 1e-4
    back = flow.from_latent(flow.to_latent(x, context), context)
    assert np.abs(back - x).max() < 1e-4
    assert flow.sample(2, context, seed=0, length=24).shape == (2, 1, 24, 1)


def test_one_voice_becomes_another_and_itself():
    flow = flow_of()
    samples = recordings(1, 101)[0][0, :, 0].astype(np.float32)
    for speaker in range(SPEAKERS):
        same = tff.audio.convert(flow, samples, speaker, speaker)
        assert np.abs(same - samples).max() < 1e-3
    other = tff.audio.convert(flow, samples, 0, 1)
    assert other.shape == samples.shape
    assert np.abs(other - samples).max() > 1e-2
    np.testing.assert_array_equal(other, tff.audio.convert(flow, samples, 0, 1))
    several = tff.audio.convert(flow, samples, 0, [2, 1])
    assert several.shape == (2, len(samples))
    np.testing.assert_allclose(several[1], other, atol=1e-5)
    assert np.abs(several[0] - other).max() > 1e-2
    scores = tff.audio.speaker_scores(flow, samples[:96])
    expected = flow.log_prob(np.repeat(samples[None, :96, None], 3, 0), np.eye(3)) / 96
    np.testing.assert_allclose(scores, expected, atol=1e-3)


@pytest.mark.deep
def test_voices_that_differ_in_level_and_colour_are_told_apart_and_exchanged():
    """Two speakers of coloured noise: what is converted has the other's spectrum."""
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((2, 2**15 + 1))
    low, high = 0.05 * (noise[0, 1:] + noise[0, :-1]), 0.01 * (noise[1, 1:] - noise[1, :-1])
    voices = tff.audio.Voices.of([part.astype(np.float32) for part in (low, high)])
    flow = tff.flows.blow(
        context_shape=2, squeeze=8, num_blocks=1, depth=2, hidden_units=[16], seed=0
    )
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(1e-2), jit_compile=False)
    model.fit(*voices.cut(256), epochs=12, batch_size=32, verbose=0)

    def tilt(samples):
        return np.mean(samples[1:] * samples[:-1]) / np.mean(samples**2)

    made = tff.audio.convert(flow, low[:4096].astype(np.float32), 0, 1)
    assert tilt(low) > 0.4
    assert tilt(made) < -0.2
    assert np.std(made) == pytest.approx(np.std(high), rel=0.3)
    for speaker, samples in enumerate((low, high)):
        assert tff.audio.speaker_scores(flow, samples[:4096]).argmax() == speaker


def test_what_does_not_fit_is_refused():
    blow = tff.flows.blow
    with pytest.raises(tff.InputError, match="did you mean 'paper'"):
        blow(context_shape=2, preset="papers")
    with pytest.raises(tff.InputError, match="did you mean 'rotation'"):
        blow(context_shape=2, initial="rotations")
    with pytest.raises(ValueError, match="mix channels to one"):
        blow(context_shape=2, event_shape=(None, 2))
    with pytest.raises(ValueError, match="one number for each speaker"):
        blow(context_shape=(None, 80))
    with pytest.raises(ValueError, match="kernel_size must be odd"):
        blow(context_shape=2, kernel_size=2)
    flow = flow_of()
    x, context = recordings(1, 64)
    with pytest.raises(ValueError, match="not divisible by 2; pad or crop it"):
        flow.log_prob(x[:, :60], context)
    with pytest.raises(ValueError, match=r"expected \[..., 3\]"):
        flow.log_prob(x, context[..., :2])


@pytest.mark.deep
def test_the_depth_of_the_paper_builds_and_inverts():
    flow = tff.flows.blow(context_shape=4, preset="paper", hidden_units=[32, 32], seed=0)
    assert flow.bijector.place_factors == (256,)
    generator = np.random.default_rng(0)
    x = np.round(3000 * generator.standard_normal((1, 1024, 1))) / 2**15
    context = np.eye(4)[:1]
    flow.adapt(x, context)
    np.testing.assert_allclose(flow.from_latent(flow.to_latent(x, context), context), x, atol=1e-4)
