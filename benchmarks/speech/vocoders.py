"""Recordings from spectrograms without a flow, and measures of what is made."""

import math

import numpy as np
import tensorflow as tf

from tfp_flows.audio import Framed, MelSettings, mel_filters
from tfp_flows.audio.files import resampled

ITERATIONS = 100
_RATE_OF_PESQ = 16_000
_RATE_OF_STOI = 10_000


def griffin_lim(mel: np.ndarray, settings: MelSettings, seed: int = 0) -> np.ndarray:
    """A recording whose magnitudes are those of the bands: phases by 100 iterations.

    Source: Griffin and Lim 1984, doi:10.1109/TASSP.1984.1164317.

    Args:
        mel: Log-magnitudes ``[frames, bands]``.
        settings: How they were made.
        seed: Of the phases at first.

    Returns:
        ``[frames * hop]``.
    """
    magnitude = tf.constant(_magnitudes(mel, settings), tf.float32)
    window, hop, length = settings.window, settings.hop, len(mel) * settings.hop
    edge = (window - hop) // 2

    def sound(spectrum):
        shape = tf.signal.inverse_stft_window_fn(hop)
        return tf.signal.inverse_stft(spectrum, window, hop, window, window_fn=shape)

    @tf.function(autograph=False)
    def step(phase):
        spectrum = tf.cast(magnitude, tf.complex64) * tf.exp(tf.complex(0.0 * phase, phase))
        return tf.math.angle(tf.signal.stft(sound(spectrum), window, hop, window))

    phase = tf.random.stateless_uniform(magnitude.shape, [seed, 0], 0.0, 2 * math.pi)
    for _ in range(ITERATIONS):
        phase = step(phase)
    spectrum = tf.cast(magnitude, tf.complex64) * tf.exp(tf.complex(0.0 * phase, phase))
    return sound(spectrum).numpy()[edge : edge + length]


def shaped_noise(mel: np.ndarray, settings: MelSettings, seed: int = 0) -> np.ndarray:
    """White noise, brought to the magnitudes of the bands, ``[frames * hop]``."""
    window, hop, length = settings.window, settings.hop, len(mel) * settings.hop
    edge = (window - hop) // 2
    noise = tf.random.stateless_normal([length + 2 * edge], [seed, 1])
    spectrum = tf.signal.stft(noise, window, hop, window)
    size = tf.constant(_magnitudes(mel, settings), tf.float32) / math.sqrt(window * 3 / 8)
    shape = tf.signal.inverse_stft_window_fn(hop)
    spectrum *= tf.cast(size, tf.complex64)
    return tf.signal.inverse_stft(spectrum, window, hop, window, window_fn=shape).numpy()[
        edge : edge + length
    ]


def measures(made: np.ndarray, clip: Framed, settings: MelSettings) -> dict[str, float]:
    """How near a recording comes to the one whose spectrogram it was made of.

    All of them look below the upper edge of the bands alone: log-mel L1 in nats, PESQ of 16 kHz
    (wide band) and eSTOI of 10 kHz.
    """
    from pesq import pesq
    from pystoi import stoi

    recorded = clip.audio.ravel()
    made = np.clip(np.nan_to_num(made[: len(recorded)]), -1, 1).astype(np.float32)
    own = Framed.of(made, settings).mel
    result = {"log_mel_l1": float(np.abs(own - clip.mel).mean())}
    pair = [resampled(part, settings.rate, _RATE_OF_PESQ) for part in (recorded, made)]
    result["pesq"] = float(pesq(_RATE_OF_PESQ, *pair, "wb"))
    pair = [resampled(part, settings.rate, _RATE_OF_STOI) for part in (recorded, made)]
    result["estoi"] = float(stoi(*pair, _RATE_OF_STOI, extended=True))
    return result


def tones(made: np.ndarray, rate: int, squeeze: int) -> float:
    """The largest height, in dB, of a bin at a multiple of the rate over the squeeze.

    Above the median of its neighbours, in the mean spectrum of the recording.
    """
    size = 64 * squeeze
    frames = tf.signal.frame(made.astype(np.float32), size, size // 2).numpy()
    power = (np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2).mean(axis=0)
    level = 10 * np.log10(power + 1e-20)
    heights = []
    for k in range(1, squeeze // 2):
        at = 64 * k
        if at * rate / size > min(8000, rate / 2):
            break
        beside = np.r_[level[at - 12 : at - 3], level[at + 4 : at + 13]]
        heights.append(level[at] - np.median(beside))
    return float(max(heights))


def _magnitudes(mel: np.ndarray, settings: MelSettings) -> np.ndarray:
    """Magnitudes of the bins ``[frames, window / 2 + 1]`` whose bands are these, none negative.

    By multiplicative steps of least squares (Lee and Seung 2001).
    """
    filters, bands = mel_filters(settings), np.exp(mel.astype(np.float64))
    bins = bands @ filters.T + 1e-8
    for _ in range(50):
        bins *= (bands @ filters.T) / (bins @ filters @ filters.T + 1e-12)
    return bins
