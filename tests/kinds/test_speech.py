"""Fits to recordings: which clips are held out, and what their scores are of."""

import math

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.audio import Framed, MelSettings
from tfp_flows.kinds.speech import scoring
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.kinds.speech.source import load
from tfp_flows.kinds.speech.work import bits

MEL = MelSettings(rate=8000, hop=8, window=16, bands=4, high=4000.0)
OPTIONS = {"hop": 8, "window": 16, "bands": 4, "segment": 32}


def clips(path, count, test=0, length=200):
    generator = np.random.default_rng(0)
    arrays = {}
    for part, number in {"train": count, "test": test}.items():
        if number:
            audio = (3000 * generator.standard_normal(number * length)).astype(np.int16)
            offsets = np.arange(0, number * length + 1, length)
            arrays |= {f"{part}_audio": audio, f"{part}_offsets": offsets}
    np.savez(path, sample_rate=8000, **arrays)
    return str(path)


def source(path, **options):
    return load(SpeechSettings(data=path, **OPTIONS, **options).check())


@pytest.mark.parametrize(("count", "held_out"), [(3, 1), (8, 2), (21, 5), (60, 6)])
def test_the_last_clips_are_held_out(tmp_path, count, held_out):
    found = source(clips(tmp_path / "clips.npz", count))
    assert found.names == [f"train {i}" for i in range(count - held_out, count)]
    assert found.describe()["clips"] == {"train": count - held_out, "test": held_out}
    assert found.samples + found.validation.audio.size == (count - held_out) * 200
    assert found.mel == MEL


def test_a_source_may_hold_out_its_own_and_the_seed_orders_the_others(tmp_path):
    path = clips(tmp_path / "clips.npz", 6, test=2)
    one, other = source(path), source(path, seed=1)
    assert one.names == ["test 0", "test 1"]
    assert one.digest(1) != other.digest(1)
    order = [
        np.sort(np.concatenate([s.train.audio, s.validation.audio]).ravel()) for s in (one, other)
    ]
    np.testing.assert_array_equal(*order)
    with pytest.raises(tff.InputError, match="give two or more"):
        source(clips(tmp_path / "one.npz", 1))


def test_scores_are_nats_a_sample_and_repeat(monkeypatch):
    flow = tff.flows.waveglow(
        context_shape=(None, 4), hop=8, squeeze=4, depth=1, hidden_units=[4], seed=0
    )
    generator = np.random.default_rng(0)
    samples = [np.round(3000 * generator.standard_normal(n)) / 2**15 for n in (80, 160)]
    both = [Framed.of(part.astype(np.float32), MEL) for part in samples]
    scores = scoring.nats_a_sample(flow, both, seed=0)
    for score, clip in zip(scores, both, strict=True):
        x = tf.constant(clip.audio.reshape(1, -1, 1))
        expected = flow.log_prob(x, clip.mel[None])[0] / clip.audio.size
        assert score == pytest.approx(float(expected), abs=1e-3)
    np.testing.assert_array_equal(scores, scoring.nats_a_sample(flow, both, seed=0))
    # The flow is untrained and has no noise between places, so pieces are the whole.
    monkeypatch.setattr(scoring, "_MOST", 40)
    np.testing.assert_allclose(scoring.nats_a_sample(flow, both, seed=0), scores, atol=1e-3)
    swapped = scoring.another_mel(both)
    np.testing.assert_array_equal(swapped[0].mel, both[1].mel[:10])
    np.testing.assert_array_equal(swapped[1].mel[10:], both[0].mel)
    # A uniform density over [-1, 1) has all 16 bits.
    assert bits(-math.log(2)) == pytest.approx(16)
