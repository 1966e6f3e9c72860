"""Who speaks, and what is said, in converted recordings, as classifiers of real ones hear it."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tfp_flows.audio import MelSettings, log_mel
from tfp_flows.errors import InputError

# The spectrogram of a clip is brought to so many frames, whatever its length.
_FRAMES, _BANDS = 24, 32
_LOUDNESS = 0.1
_NEEDED = ("audio", "offsets", "speaker", "digit")
_EDGE = 1e-4

Conversion = Callable[[np.ndarray, int, Sequence[int]], Sequence[np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Spoken:
    """Recordings ``[T]`` each, and for each the place of its speaker and the word."""

    samples: Sequence[np.ndarray]
    speakers: np.ndarray
    words: np.ndarray


def clips_of(path: Any) -> tuple[Spoken, Spoken, int, list[str]]:
    """Training and test clips of an .npz file with speakers and digits, the rate, the names.

    Raises:
        InputError: If it lacks one of these.
    """
    with np.load(path) as file:
        arrays = dict(file)
    needed = [f"{part}_{what}" for part in ("train", "test") for what in _NEEDED]
    if lacking := [name for name in (*needed, "speakers") if name not in arrays]:
        raise InputError(
            f"{path} holds no {', '.join(lacking)}; --convert needs an .npz file of clips with "
            "speakers and digits."
        )
    parts = []
    for part in ("train", "test"):
        audio = arrays[f"{part}_audio"].astype(np.float32) / 2**15
        samples = [audio[a:b] for a, b in itertools.pairwise(arrays[f"{part}_offsets"])]
        words = arrays[f"{part}_digit"].astype(int)
        parts.append(Spoken(samples, arrays[f"{part}_speaker"].astype(int), words))
    return *parts, int(arrays["sample_rate"]), [str(name) for name in arrays["speakers"]]


def features(samples: np.ndarray, settings: MelSettings) -> np.ndarray:
    """The log-mel spectrogram at one loudness, brought to one length, in one row.

    Clips differ in loudness by speaker, which would tell them apart by a factor alone.
    """
    samples = samples / (np.sqrt(np.mean(samples**2)) + 1e-9) * _LOUDNESS
    least = settings.window + settings.hop
    padded = np.pad(samples, (0, max(0, least - len(samples)) + -len(samples) % settings.hop))
    mel = log_mel(padded[: len(padded) // settings.hop * settings.hop], settings).numpy()
    mel = np.maximum(mel, np.log(_EDGE))
    at = np.linspace(0, len(mel) - 1, _FRAMES)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, len(mel) - 1), (at - low)[:, None]
    return ((1 - share) * mel[low] + share * mel[high]).ravel()


def listeners(train: Spoken, settings: MelSettings) -> dict[str, Any]:
    """Classifiers of speakers and of words, fitted to real clips."""
    rows = np.array([features(samples, settings) for samples in train.samples])
    answers = {"speaker": train.speakers, "word": train.words}
    return {
        name: make_pipeline(StandardScaler(), SVC(C=10.0)).fit(rows, answer)
        for name, answer in answers.items()
    }


def by_average_spectrum(train: Spoken, speakers: int, window: int = 512) -> Conversion:
    """The baseline: a filter that gives a clip the average spectrum of the other speaker."""
    hop, shape = window // 4, np.hanning(window + 1)[:-1]

    def frames(samples):
        padded = np.pad(samples, (window, window + -len(samples) % hop))
        return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * shape

    averages = [
        np.sqrt(
            np.mean(
                np.concatenate(
                    [
                        np.abs(np.fft.rfft(frames(clip), axis=1)) ** 2
                        for clip, who in zip(train.samples, train.speakers, strict=True)
                        if who == speaker
                    ]
                ),
                axis=0,
            )
        )
        for speaker in range(speakers)
    ]

    def convert(samples, source, targets):
        return [one(samples, source, target) for target in targets]

    def one(samples, source, target):
        spectrum = np.fft.rfft(frames(samples), axis=1) * (averages[target] / averages[source])
        parts = np.fft.irfft(spectrum, axis=1) * shape
        made, weight = (np.zeros(len(parts) * hop + window) for _ in range(2))
        for i, part in enumerate(parts):
            made[i * hop : i * hop + window] += part
            weight[i * hop : i * hop + window] += shape**2
        return (made / np.maximum(weight, 1e-3))[window : window + len(samples)]

    return convert


def unchanged(samples: np.ndarray, source: int, targets: Sequence[int]) -> list[np.ndarray]:
    """The other baseline: nothing is done."""
    del source
    return [samples] * len(targets)


def judge(
    ways: Mapping[str, Conversion],
    train: Spoken,
    test: Spoken,
    rate: int,
    speakers: int,
) -> dict[str, Any]:
    """Shares of clips in which the target is heard, and the word kept; and the listeners' own.

    Each test clip is turned into each of the other speakers. Standard errors are over clips.

    Args:
        ways: What converts ``(samples, source, targets)``, by name, to one recording each.
        train: Real clips, on which listeners are trained.
        test: Clips that are converted.
        rate: Samples a second.
        speakers: How many there are.
    """
    settings = MelSettings(
        rate=rate, hop=rate // 125, window=rate // 125 * 4, bands=_BANDS, high=rate / 2
    )
    ears = listeners(train, settings)
    real = np.array([features(samples, settings) for samples in test.samples])
    answers = {"speaker": test.speakers, "word": test.words}
    results: dict[str, Any] = {
        "listeners": {
            name: float((ears[name].predict(real) == answers[name]).mean()) for name in ears
        }
    }
    for name, way in ways.items():
        heard, kept = (np.zeros(len(test.samples)) for _ in range(2))
        for i, samples in enumerate(test.samples):
            targets = [t for t in range(speakers) if t != test.speakers[i]]
            made = way(samples, test.speakers[i], targets)
            rows = np.array([features(np.nan_to_num(each), settings) for each in made])
            heard[i] = (ears["speaker"].predict(rows) == targets).mean()
            kept[i] = (ears["word"].predict(rows) == test.words[i]).mean()
        results[name] = {
            key: {
                "share": float(v.mean()),
                "standard_error": float(v.std(ddof=1) / math.sqrt(len(v))),
            }
            for key, v in (("speaker", heard), ("word", kept))
        }
    return results


def _share(clips: np.ndarray) -> dict[str, float]:
    error = clips.std(ddof=1) / math.sqrt(len(clips))
    return {"share": float(clips.mean()), "standard_error": float(error)}
