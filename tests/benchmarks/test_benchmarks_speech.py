"""The benchmark of recordings: baselines where the truth is known, and a short run."""

import json

import numpy as np
import pytest
from scipy.signal import lfilter
from typer.testing import CliRunner

from benchmarks.speech.__main__ import app
from benchmarks.speech.baselines import baselines
from benchmarks.speech.conversion import Spoken, by_average_spectrum, judge, unchanged
from benchmarks.speech.music import draw, plucked
from benchmarks.speech.vocoders import griffin_lim, shaped_noise, tones
from tfp_flows import kinds
from tfp_flows.audio import Framed, MelSettings, log_mel
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.runs.devices import Devices
from tfp_flows.runs.engine import fit

MEL = MelSettings(rate=8000, hop=64, window=256, bands=20, high=4000.0)


def resonant(length, seed):
    noise = 0.01 * np.random.default_rng(seed).standard_normal(length)
    return lfilter([1], [1, -1.2, 0.8], noise).astype(np.float32)


def test_linear_prediction_nears_the_rate_of_its_own_noise():
    train, test = Framed.of(resonant(64_000, 0), MEL), [Framed.of(resonant(16_000, 1), MEL)] * 2
    found = {name: each["nats"] for name, each in baselines(train, test, MEL).items()}
    truth = -np.log(0.01) - 0.5 * np.log(2 * np.pi * np.e)
    assert truth - 0.25 < found["AR(24) Gaussian given the mel"] < truth + 0.15
    assert found["AR(24) Student-t given the mel"] > truth - 0.25
    assert found["iid Gaussian"] < truth - 0.5


def test_griffin_lim_has_the_spectrogram_that_it_was_given():
    samples = resonant(6400, 2)
    mel = log_mel(samples, MEL).numpy()
    own = {
        name: np.abs(log_mel(way(mel, MEL), MEL).numpy() - mel)[3:-3].mean()
        for name, way in (("phases", griffin_lim), ("noise", shaped_noise))
    }
    assert own["phases"] < 0.6 * own["noise"]
    assert own["noise"] < 1.0


def test_tones_are_heard():
    noise = np.random.default_rng(0).standard_normal(32_000)
    hum = np.cos(2 * np.pi * np.arange(32_000) * 3 / 16)
    assert tones(noise, 8000, 16) < 3
    assert tones(noise + hum, 8000, 16) > 10


def spoken(count, seed):
    """Two speakers, noise of other colours; two words, louder at the beginning or at the end."""
    generator = np.random.default_rng(seed)
    speakers, words = np.arange(count) % 2, np.arange(count) // 2 % 2
    samples = []
    for speaker, word in zip(speakers, words, strict=True):
        noise = generator.standard_normal(2000 + generator.integers(500))
        coloured = lfilter([1, (0.8, -0.8)[speaker]], 1, noise)
        envelope = np.linspace(0.01, 0.1, len(noise))
        samples.append((coloured * envelope[:: (1, -1)[word]]).astype(np.float32))
    return Spoken(samples, speakers, words)


def test_listeners_hear_who_speaks_and_what():
    train, test = spoken(40, 0), spoken(12, 1)
    ways = {"none": unchanged, "filter": by_average_spectrum(train, 2)}
    found = judge(ways, train, test, 8000, 2)
    assert found["listeners"] == {"speaker": 1, "word": 1}
    assert found["none"]["speaker"]["share"] == 0
    assert found["none"]["word"]["share"] == 1
    assert found["filter"]["speaker"]["share"] > 0.9
    assert found["filter"]["word"]["share"] > 0.9
    # Loudness tells nothing.
    louder = Spoken([5 * samples for samples in test.samples], test.speakers, test.words)
    assert judge({}, train, louder, 8000, 2)["listeners"]["speaker"] == 1


@pytest.mark.deep
def test_a_short_run_of_voices(tmp_path):
    arrays = {"sample_rate": 8000, "speakers": np.array(["b", "a"])}
    for part, count in (("train", 24), ("test", 6)):
        clips = spoken(count, count)
        audio = [(20_000 * samples).astype(np.int16) for samples in clips.samples]
        arrays |= {
            f"{part}_audio": np.concatenate(audio),
            f"{part}_offsets": np.cumsum([0, *map(len, audio)]),
            f"{part}_speaker": clips.speakers,
            f"{part}_digit": clips.words,
        }
    np.savez(tmp_path / "clips.npz", **arrays)
    options = {"num_blocks": 1, "depth": 2, "squeeze": 16}
    settings = SpeechSettings(
        data=str(tmp_path / "clips.npz"),
        flow="blow",
        epochs=2,
        segment=1024,
        hidden=[8],
        flow_option=options,
        plots=False,
    )
    fit(kinds.get("speech"), settings, Devices(tmp_path / "run"))
    out = tmp_path / "voices.json"
    arguments = ["--data", tmp_path / "clips.npz", "--run", tmp_path / "run", "--out", out]
    done = CliRunner().invoke(app, [str(part) for part in [*arguments, "--convert"]])
    assert done.exit_code == 0, done.output
    record = json.loads(out.read_text())
    assert record["to_oneself"] < 1e-3
    assert 0 <= record["converted"]["Blow"]["speaker"]["share"] <= 1
    assert "| filtered to the average spectrum |" in out.with_suffix(".md").read_text()


def test_a_string_sounds_at_its_pitch():
    samples = plucked(220.0, 16_000, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(samples * np.hanning(16_000))) ** 2
    near = [power[220 * k - 10 : 220 * k + 11].sum() for k in range(1, 6)]
    assert sum(near) > 0.9 * power[:1200].sum()


@pytest.mark.deep
def test_chords_are_as_good_as_speech(tmp_path):
    """The same command; the flow beats a Gaussian, and listens to the spectrogram."""
    draw(tmp_path / "music.npz", train=6, test=2)
    settings = SpeechSettings(
        data=str(tmp_path / "music.npz"),
        epochs=12,
        segment=4096,
        hidden=[16, 16],
        flow_option={"depth": 2},
        plots=False,
    )
    fit(kinds.get("speech"), settings, Devices(tmp_path / "run"))
    test = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert test["nats_a_sample"] > test["gaussian"] + 1
    assert test["nats_a_sample"] > test["with_another_mel"] + 0.1


def test_a_short_run(tmp_path):
    offsets = np.arange(0, 40_961, 10_240)
    audio = (20_000 * resonant(40_960, 0)).astype(np.int16)
    test = {"test_audio": audio[:20_480], "test_offsets": offsets[:3]}
    train = {"train_audio": audio, "train_offsets": offsets}
    np.savez(tmp_path / "clips.npz", sample_rate=8000, **train, **test)
    settings = SpeechSettings(
        data=str(tmp_path / "clips.npz"),
        epochs=1,
        segment=1024,
        hidden=[4],
        flow_option={"depth": 1, "squeeze": 16},
        plots=False,
    )
    fit(kinds.get("speech"), settings, Devices(tmp_path / "run"))
    out = tmp_path / "speech.json"
    arguments = ["--data", tmp_path / "clips.npz", "--run", tmp_path / "run", "--out", out]
    arguments += ["--no-measured"]
    done = CliRunner().invoke(app, [str(part) for part in arguments])
    assert done.exit_code == 0, done.output
    record = json.loads(out.read_text())
    assert record["densities"]["WaveGlow"]["nats"] > -20
    assert "| AR(24) Student-t given the mel |" in out.with_suffix(".md").read_text()
    assert pytest.approx(2) == record["run"]["clips"]["test"]
