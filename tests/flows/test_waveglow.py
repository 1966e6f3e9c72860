"""WaveGlow: log-dets, lengths other than those of training, pieces of a recording, presets."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from rows import randomise

import tfp_flows as tff
from tfp_flows.testing.jacobian import autodiff_log_det

HOP, BANDS = 8, 5
SMALL = {
    "context_shape": (None, BANDS),
    "hop": HOP,
    "squeeze": 4,
    "depth": 3,
    "hidden_units": [6, 6],
    "condition_units": [4],
    "early_every": 2,
    "early_size": 1,
    "seed": 1,
}


def recordings(count, length, seed=0):
    """Noise on the grid of 16 bits, and frames."""
    generator = np.random.default_rng(seed)
    x = np.round(3000 * generator.standard_normal((count, length, 1))) / 2**15
    return x, generator.standard_normal((count, length // HOP, BANDS))


def flow_of(spread=0.1, **options):
    flow = randomise(tff.flows.waveglow(**{**SMALL, **options}), scale=spread)
    flow.adapt(*recordings(20, 64, seed=1))
    return flow


@pytest.mark.parametrize("initial", ["subbands", pytest.param("rotation", marks=pytest.mark.deep)])
def test_log_det_is_that_of_the_jacobian(initial):
    flow = flow_of(dtype=tf.float64, bins=None, initial=initial)
    x, context = recordings(1, 32)
    z = flow.to_latent(x, context)
    log_det = autodiff_log_det(flow.to_latent, tf.constant(x), tf.constant(context))[0]
    expected = log_det + flow.distribution.log_prob(z)[0]
    np.testing.assert_allclose(flow.log_prob(x, context)[0], expected, rtol=1e-10)
    np.testing.assert_allclose(flow.from_latent(z, context), x, atol=1e-10)


def test_recordings_of_any_length():
    """A long one is a piece of itself away from the edges, and comes back."""
    flow = flow_of(spread=0.05)
    x, context = recordings(1, 4096)
    whole = flow.log_prob_map(x, context).numpy()[0]
    np.testing.assert_allclose(whole.sum(), flow.log_prob(x, context)[0], rtol=1e-4)
    # Behind three couplings of dilations 1 and 2, and convolutions of the frames.
    margin = 3 * 3 * 4 + 2 * HOP
    flow = flow_of(spread=0.05, bins=None)
    whole = flow.log_prob_map(x, context).numpy()[0]
    begin, end = 1024, 2048
    piece = flow.log_prob_map(x[:, begin:end], context[:, begin // HOP : end // HOP]).numpy()[0]
    np.testing.assert_allclose(
        piece[margin:-margin], whole[begin + margin : end - margin], rtol=1e-3, atol=1e-4
    )
    assert np.abs(piece[0] - whole[begin]) > 1e-4
    back = flow.from_latent(flow.to_latent(x, context), context)
    assert np.abs(back - x).max() < 1e-4
    assert flow.sample(2, context, seed=0, temperature=0.5).shape == (2, 1, 4096, 1)


def test_samples_are_on_the_grid_and_the_density_over_minus_one_to_one():
    flow = flow_of()
    x, context = recordings(2, 64)
    made = flow.sample(context=context, seed=0).numpy()
    assert (made >= -1).all()
    assert (made < 1).all()
    np.testing.assert_array_equal(np.round(made * 2**15), made * 2**15)
    np.testing.assert_allclose(flow.from_latent(flow.to_latent(x, context), context), x, atol=4e-5)
    # Noise of deviation s has -log(s sqrt(2 pi e)) nats; an untrained flow has no less.
    flow = tff.flows.waveglow(**SMALL)
    x, context = recordings(50, 64)
    flow.adapt(x, context)
    expected = -np.log(3000 / 2**15) - 0.5 * np.log(2 * np.pi * np.e)
    assert np.mean(flow.log_prob(x, context)) / 64 == pytest.approx(expected, abs=0.05)


def test_determinants_keep_their_sign_and_inverses_follow_the_weights():
    """What broke trainings of the original: a determinant of no sign, a cached inverse."""
    bijector = tff.bijectors.InvertibleConv1x1(
        event_shape=(None, 4), initial="rotation", max_log_scale=2.0, seed=0, dtype=tf.float64
    )
    x = np.random.default_rng(0).standard_normal((1, 8, 4))
    signs = set()
    for step in range(20):
        generator = np.random.default_rng(step)
        for variable in bijector.trainable_variables:
            variable.assign(5 * generator.standard_normal(variable.shape))
        matrix = bijector.inverse(np.eye(4)[None])[0].numpy()
        signs.add(np.sign(np.linalg.det(matrix)))
        logs = bijector.inverse_and_log_det(np.eye(4)[None])[1][0] / 4
        assert abs(logs) <= 4 * 2.0
        np.testing.assert_allclose(bijector.forward(bijector.inverse(x)), x, atol=1e-2)
        np.testing.assert_allclose(np.linalg.slogdet(matrix)[1], logs, rtol=1e-6)
    assert len(signs) == 1


@pytest.mark.deep
def test_saved_and_loaded_in_a_new_process(tmp_path):
    flow = flow_of(bins=None)
    x, context = recordings(2, 40)
    tff.FlowModel(flow).save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=x, context=context, expected=flow.log_prob(x, context))
    code = (
        "import sys, numpy as np, tfp_flows as tff\n"
        "data = np.load(sys.argv[2]); flow = tff.load(sys.argv[1]).flow\n"
        "found = flow.log_prob(data['x'], data['context'])\n"
        "np.testing.assert_allclose(found, data['expected'], rtol=1e-5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model.keras", tmp_path / "data.npz"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_what_does_not_fit_is_refused():
    waveglow = tff.flows.waveglow
    with pytest.raises(tff.InputError, match="did you mean 'paper'"):
        waveglow(preset="papers")
    with pytest.raises(ValueError, match="mix channels to one"):
        waveglow(event_shape=(None, 2))
    with pytest.raises(ValueError, match="squeeze must divide the hop"):
        waveglow(squeeze=24)
    with pytest.raises(ValueError, match="two or more must stay"):
        waveglow(squeeze=4, depth=9, hidden_units=[4])
    with pytest.raises(ValueError, match="free in length if the recordings are"):
        waveglow(context_shape=(10, 80))
    flow = flow_of()
    x, context = recordings(1, 64)
    with pytest.raises(ValueError, match="its event length 56"):
        flow.log_prob(x[:, :56], context)
    with pytest.raises(ValueError, match=r"expected \[..., None, 5\]"):
        flow.log_prob(x, context[..., :4])


@pytest.mark.deep
def test_the_size_of_the_paper_builds_and_inverts():
    flow = tff.flows.waveglow(preset="paper", seed=0)
    generator = np.random.default_rng(0)
    x = np.round(3000 * generator.standard_normal((1, 2048, 1))) / 2**15
    mel = generator.standard_normal((1, 8, 80))
    flow.adapt(x, mel)
    assert sum(np.prod(v.shape) for v in flow.trainable_variables) > 8e7
    np.testing.assert_allclose(flow.from_latent(flow.to_latent(x, mel), mel), x, atol=1e-4)
