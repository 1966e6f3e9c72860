"""Music drawn by code, chords of plucked strings: nothing is about speech alone."""

from pathlib import Path

import numpy as np
from scipy.signal import lfilter

RATE = 16_000
_SECONDS = 3
# Semitones above the root of major and minor triads with the octave.
_CHORDS = ((0, 4, 7, 12), (0, 3, 7, 12))
_LOWEST = 110.0


def plucked(hertz: float, length: int, generator: np.random.Generator) -> np.ndarray:
    """A plucked string ``[length]``: noise that goes round and loses its high tones.

    Source: Karplus and Strong 1983, doi:10.2307/3680062, equation 1.
    """
    period = max(2, round(RATE / hertz - 0.5))
    burst, noise = np.zeros(length), generator.uniform(-1, 1, period)
    # Without a mean, which the loop would keep.
    burst[:period] = (noise - noise.mean())[:length]
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1, -0.5 * 0.998, -0.5 * 0.998
    return lfilter([1], loop, burst)


def chords(seconds: int, generator: np.random.Generator) -> np.ndarray:
    """Chords ``[seconds * RATE]`` in [-1, 1), a new one each second, strummed."""
    clip = np.zeros(seconds * RATE)
    for begin in range(seconds):
        root = _LOWEST * 2 ** (generator.integers(20) / 12)
        strings = _CHORDS[generator.integers(len(_CHORDS))]
        for number, above in enumerate(strings):
            start = int((begin + number * generator.uniform(0.005, 0.03)) * RATE)
            rest = len(clip) - start
            clip[start:] += 0.25 * plucked(root * 2 ** (above / 12), rest, generator)
    return np.clip(clip, -1, 1 - 2.0**-15)


def draw(path: Path, *, train: int = 40, test: int = 5, seed: int = 0) -> None:
    """Writes so many clips of three seconds, as `tfp-flows fit` takes them."""
    generator = np.random.default_rng(seed)
    arrays = {"sample_rate": RATE}
    for part, count in (("train", train), ("test", test)):
        clips = [chords(_SECONDS, generator) for _ in range(count)]
        arrays[f"{part}_audio"] = np.round(np.concatenate(clips) * 2**15).astype(np.int16)
        arrays[f"{part}_offsets"] = np.arange(count + 1) * _SECONDS * RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
