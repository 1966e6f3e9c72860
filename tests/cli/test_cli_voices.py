"""The command on speakers: one voice becomes another."""

import dataclasses
import json

import numpy as np
import pytest
from commands import bad, good

from tfp_flows import audio
from tfp_flows.cli.parser import command, fields_of
from tfp_flows.options import option

SIZES = ["--hop", "8", "--window", "16", "--bands", "4", "--segment", "32"]
QUICK = [
    *("--epochs", "2", "--hidden", "4", "--batch-size", "4", *SIZES),
    *("--flow-option", "squeeze=4", "--flow-option", "num_blocks=2", "--flow-option", "depth=1"),
]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    pytest.importorskip("soundfile")
    place = tmp_path_factory.mktemp("voices")
    generator = np.random.default_rng(0)
    for name, level, count in (("anna", 0.02, 11), ("bert", 0.2, 11), ("carl", 0.1, 1)):
        (place / "clips" / name).mkdir(parents=True)
        for i in range(count):
            samples = level * generator.standard_normal(50)
            audio.write_clip(place / "clips" / name / f"{i:02d}.wav", samples, 8000)
    done = good("fit", place / "clips", "--flow", "blow", "--out", place / "run", *QUICK)
    (place / "said").write_text(done.stdout + done.stderr)
    return place


def test_a_fit_knows_its_speakers(voices):
    metrics = json.loads((voices / "run" / "metrics.json").read_text())
    assert metrics["data"]["speakers"] == ["anna", "bert"]
    # The last of each speaker is held out; of carl there is too little.
    assert metrics["data"]["clips"] == {"train": 20, "test": 2}
    assert "as_another_speaker" in metrics["test"]
    said = " ".join((voices / "said").read_text().split())
    assert "speaker carl has 0 samples to train on" in said
    assert (voices / "run" / "spectrograms.png").stat().st_size > 0


def test_a_voice_is_converted(voices):
    run, clip, out = voices / "run", voices / "clips" / "bert" / "00.wav", voices / "out.wav"
    done = good("convert", run, clip, "--from", "bert", "--to", "bert", "-o", out)
    assert "likeliest" not in done.stderr
    samples, same = (audio.read_clip(path)[0].samples for path in (clip, out))
    assert np.abs(same - samples).max() < 1e-3
    done = good("convert", run, clip, "--to", "anna", "-o", out)
    assert "is the likeliest speaker" in " ".join(done.stderr.split())
    assert len(audio.read_clip(out)[0].samples) == 50
    scores = voices / "scores.csv"
    good("score", run, voices / "clips" / "bert", "--speaker", "bert", "-o", scores)
    assert len(scores.read_text().splitlines()) == 12


def test_what_does_not_fit_is_refused(voices, tmp_path):
    run, clip, out = voices / "run", voices / "clips" / "bert" / "00.wav", tmp_path / "out.wav"
    assert "did you mean 'anna'" in bad("convert", run, clip, "--to", "ana", "-o", out)
    assert "did you mean 'bert'" in bad(
        *("convert", run, clip, "--from", "berta", "--to", "anna", "-o", out)
    )
    assert "given no spectrogram" in bad("sample", run, "--like", clip, "-o", out)
    assert "given no spectrogram" in bad("clean", run, clip, "-o", out)
    assert "Unknown speaker 'carl'" in bad("score", run, voices / "clips", "-o", tmp_path / "s.csv")
    one = voices / "clips" / "anna"
    fit = ["--flow", "blow", "--out", tmp_path / "run", *QUICK]
    assert "does not say who speaks" in bad("fit", one, *fit)
    np.savez(
        tmp_path / "clips.npz",
        train_audio=np.arange(2000, dtype=np.int16),
        train_offsets=np.arange(0, 2001, 100),
        train_speaker=np.array(["x"] * 20),
        sample_rate=8000,
    )
    assert "enough recordings of 1 speakers" in bad("fit", tmp_path / "clips.npz", *fit)
    assert "makes one place of 48 samples" in bad(
        *("fit", voices / "clips", "--flow", "blow", "--out", tmp_path / "run", *SIZES),
        *("--flow-option", "squeeze=24", "--flow-option", "num_blocks=2", "--hidden", "4"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Of a command that takes an option with a number or without."""

    place: str = option(argument=True, metavar="PLACE", help="Where.")
    strength: float = option(0.0, min=0.0, bare=1.0, help="How much.")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["here"], {"place": "here"}),
        (["here", "--strength"], {"place": "here", "strength": 1.0}),
        (["here", "--strength", "0.5"], {"place": "here", "strength": 0.5}),
        (["--strength", "here"], {"place": "here", "strength": 1.0}),
        (["--strength=2", "here"], {"place": "here", "strength": 2.0}),
    ],
)
def test_an_option_may_stand_without_its_number(arguments, expected):
    found = {}
    made = command("try", "Tries.", ["try here"], fields_of(Options), {}, found.update)
    made(arguments, standalone_mode=False)
    assert found == expected
