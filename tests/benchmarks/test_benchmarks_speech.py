"""The benchmark of recordings: baselines where the truth is known, and a short run."""

import json

import numpy as np
import pytest
from scipy.signal import lfilter
from typer.testing import CliRunner

from benchmarks.speech.__main__ import app
from benchmarks.speech.baselines import baselines
from benchmarks.speech.vocoders import griffin_lim, shaped_noise, tones
from tfp_flows import kinds
from tfp_flows.audio import Framed, MelSettings, log_mel
from tfp_flows.kinds.speech.settings import SpeechSettings
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
    fit(kinds.get("speech"), settings, tmp_path / "run")
    out = tmp_path / "speech.json"
    arguments = ["--data", tmp_path / "clips.npz", "--run", tmp_path / "run", "--out", out]
    arguments += ["--no-measured"]
    done = CliRunner().invoke(app, [str(part) for part in arguments])
    assert done.exit_code == 0, done.output
    record = json.loads(out.read_text())
    assert record["densities"]["WaveGlow"]["nats"] > -20
    assert "| AR(24) Student-t given the mel |" in out.with_suffix(".md").read_text()
    assert pytest.approx(2) == record["run"]["clips"]["test"]
