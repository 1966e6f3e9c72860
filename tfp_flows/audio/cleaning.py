"""Noise taken from recordings: by a Wiener filter, and by a flow as prior."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.audio.mel import MelSettings, log_mel

_QUIETEST = 0.05
_MEMORY = 0.98
_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.99
# Of the noise's deviation: the first step of a sample.
_STEP = 0.08


def noise_level(samples: np.ndarray, settings: MelSettings) -> float:
    """The deviation of white noise in a recording ``[T]``, that of its quietest frames.

    A twentieth of the frames is taken: what they hold beside noise counts as noise.
    """
    frames = samples[: len(samples) // settings.hop * settings.hop].reshape(-1, settings.hop)
    powers = np.sort(frames.astype(np.float64).var(axis=1))
    return float(np.sqrt(powers[: max(1, math.ceil(_QUIETEST * len(powers)))].mean()))


def wiener(samples: np.ndarray, settings: MelSettings, noise: float) -> np.ndarray:
    """White noise filtered out by Wiener gains, with signal-to-noise ratios smoothed in time.

    Source: Ephraim and Malah 1984, doi:10.1109/TASSP.1984.1164453, equation 51, with the Wiener
    gain.

    Args:
        samples: ``[T]``.
        settings: For window and hop.
        noise: Deviation of the noise.

    Returns:
        ``[T]``.
    """
    window, hop = settings.window, settings.hop
    padded = np.pad(samples, (window, window + hop))
    spectrum = tf.signal.stft(tf.constant(padded, tf.float32), window, hop, window)
    floor = noise**2 * (np.hanning(window + 1)[:-1] ** 2).sum()
    ratios = np.abs(spectrum.numpy()) ** 2 / floor
    gains, before = np.empty_like(ratios), np.zeros(ratios.shape[1])
    for frame, ratio in enumerate(ratios):
        prior = _MEMORY * before + (1 - _MEMORY) * np.maximum(ratio - 1, 0)
        gains[frame] = prior / (1 + prior)
        before = gains[frame] ** 2 * ratio
    shape = tf.signal.inverse_stft_window_fn(hop)
    filtered = spectrum * tf.cast(gains, spectrum.dtype)
    back = tf.signal.inverse_stft(filtered, window, hop, window, window_fn=shape).numpy()
    return back[window : window + len(samples)]


def clean(
    flow: Any,
    samples: np.ndarray,
    settings: MelSettings,
    *,
    noise: float | None = None,
    mel: np.ndarray | None = None,
    steps: int = 60,
) -> np.ndarray:
    """White noise taken from a recording by a flow as prior.

    The recording ``x`` of largest ``log p(x | mel) - |samples - x|^2 / (2 noise^2)`` is sought by
    steps of Adam from the Wiener estimate, whose spectrogram stands for that of the clean
    recording if there is none.

    Args:
        flow: A flow of recordings ``[T, 1]`` given ``[T / hop, bands]``.
        samples: ``[T]``; what is over whole frames stays as the Wiener filter leaves it.
        settings: Those of the flow's spectrograms.
        noise: Deviation of the noise; None to find it by `noise_level`.
        mel: Spectrogram ``[T / hop, bands]`` of the clean recording, if it is known.
        steps: Number of steps.

    Returns:
        ``[T]``.

    Raises:
        ValueError: If the noise is not positive, or the recording is shorter than a window.
    """
    noise = noise_level(samples, settings) if noise is None else noise
    if not noise > 0:
        raise ValueError(f"noise must be a positive deviation, got {noise!r}.")
    start = wiener(samples, settings, noise).astype(np.float32)
    length = len(samples) // settings.hop * settings.hop
    frames = log_mel(start[:length], settings) if mel is None else mel
    frames = tf.constant(np.asarray(frames)[None], flow.dtype)
    heard = tf.constant(samples[None, :length, None], flow.dtype)

    @tf.function(autograph=False)
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            misfit = tf.reduce_sum(tf.square(heard - x)) / (2 * noise**2)
            loss = misfit - flow.log_prob(x, frames)[0]
        return tape.gradient(loss, x)

    x = tf.constant(start[None, :length, None], flow.dtype)
    first = second = tf.zeros_like(x)
    for step in range(steps):
        gradient = slope(x)
        first = _FIRST_DECAY * first + (1 - _FIRST_DECAY) * gradient
        second = _SECOND_DECAY * second + (1 - _SECOND_DECAY) * gradient**2
        rate = _STEP * noise * (1 - step / steps)
        spread = tf.sqrt(second / (1 - _SECOND_DECAY ** (step + 1)))
        x -= rate * first / (1 - _FIRST_DECAY ** (step + 1)) / (spread + 1e-9)
    return np.concatenate([x.numpy()[0, :, 0], start[length:]])


def si_sdr(estimate: np.ndarray, clean: np.ndarray) -> float:
    """The scale-invariant ratio of signal to distortion, in dB.

    Source: Le Roux et al. 2019, arXiv:1811.02508, equation 5.

    Args:
        estimate: ``[T]``.
        clean: ``[T]``.
    """
    estimate, clean = (part.astype(np.float64) - part.mean() for part in (estimate, clean))
    target = (estimate @ clean) / (clean @ clean) * clean
    rest = estimate - target
    return float(10 * np.log10((target @ target) / (rest @ rest)))
