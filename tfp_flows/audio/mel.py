"""Mel spectrograms as vocoders read them: magnitudes in mel bands, in natural logarithms."""

import dataclasses
import functools
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path


@dataclasses.dataclass(frozen=True, kw_only=True)
class MelSettings:
    """How a mel spectrogram is made; the defaults are WaveGlow's.

    Attributes:
        rate: Samples a second.
        hop: Samples from frame to frame.
        window: Samples of a frame under the Hann window, an even number of samples more than
            ``hop``.
        bands: Number of mel bands.
        low: Lowest frequency, in Hz.
        high: Highest frequency, in Hz.
        floor: Magnitudes below it count as it.

    Raises:
        InputError: If a number is out of range, or the bands reach above half the rate.
    """

    rate: int = 22050
    hop: int = 256
    window: int = 1024
    bands: int = 80
    low: float = 0.0
    high: float = 8000.0
    floor: float = 1e-5

    def __post_init__(self):
        whole = {name: getattr(self, name) for name in ("rate", "hop", "window", "bands")}
        for name, value in whole.items():
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} of a mel spectrogram is {value!r}; give a whole number.")
        if self.window < self.hop or (self.window - self.hop) % 2:
            raise InputError(
                f"window is {self.window} and hop {self.hop}; give a window that is an even number "
                "of samples longer than the hop, or as long."
            )
        if not 0 <= self.low < self.high <= self.rate / 2:
            raise InputError(
                f"The mel bands reach from {self.low:g} to {self.high:g} Hz; give an upper edge "
                f"above the lower one and of at most {self.rate / 2:g} Hz, half the rate."
            )
        if not self.floor > 0:
            raise InputError(f"floor is {self.floor!r}; give a positive number.")

    def record(self) -> dict:
        """JSON values, from which ``MelSettings(**values)`` makes the settings again."""
        return dataclasses.asdict(self)

    def check_same(self, other: "MelSettings", what: str) -> None:
        """Checks that a spectrogram was made as this one.

        Raises:
            InputError: If it was not; the first setting that differs is named.
        """
        for name, value in self.record().items():
            if getattr(other, name) != value:
                raise InputError(
                    f"{what} was made with {name} {getattr(other, name):g}, the model needs "
                    f"{name} {value:g}; make the spectrogram anew, or give the recording."
                )


def log_mel(audio, settings: MelSettings) -> tf.Tensor:
    """The logarithm of the magnitudes in mel bands, a frame for each ``hop`` samples.

    The recording is continued by its mirror image at both ends, so that each frame's window is
    centred on its samples.

    Source: WaveGlow, Prenger et al. 2018, arXiv:1811.00002, section 3.1.

    Args:
        audio: ``[..., T]`` in [-1, 1), with ``T`` divisible by ``settings.hop`` and at least
            ``settings.window``.
        settings: How it is made.

    Returns:
        ``[..., T / hop, bands]``.

    Raises:
        ValueError: If the length does not fit.
    """
    audio = tf.convert_to_tensor(audio, tf.float32)
    length = audio.shape[-1]
    if length is None or length % settings.hop or length < settings.window:
        raise ValueError(
            f"log_mel needs recordings of a known length that {settings.hop} divides and of at "
            f"least {settings.window} samples, got {length}; pad or crop them."
        )
    edge = (settings.window - settings.hop) // 2
    paddings = [[0, 0]] * (audio.shape.rank - 1) + [[edge, edge]]
    return log_mel_of_padded(tf.pad(audio, paddings, mode="REFLECT"), settings)


def log_mel_of_padded(padded: tf.Tensor, settings: MelSettings) -> tf.Tensor:
    """`log_mel` of what stands between edges of ``(window - hop) / 2`` samples."""
    spectrum = tf.signal.stft(padded, settings.window, settings.hop, settings.window)
    filters = tf.constant(mel_filters(settings), tf.float32)
    return tf.math.log(tf.maximum(tf.matmul(tf.abs(spectrum), filters), settings.floor))


@functools.lru_cache(maxsize=8)
def mel_filters(settings: MelSettings) -> np.ndarray:
    """Triangles in frequency, evenly spaced on Slaney's mel scale, each of area 1 over Hz.

    The scale is linear below 1,000 Hz, 3 mel in 200 Hz, and logarithmic above, 27 mel in a factor
    of 6.4.

    Source: Slaney, Auditory Toolbox version 2, 1998, Technical Report 1998-010.

    Returns:
        ``[window / 2 + 1, bands]``.
    """
    edges = _hertz(np.linspace(*_mel(np.array([settings.low, settings.high])), settings.bands + 2))
    places = np.arange(settings.window // 2 + 1)[:, None] * settings.rate / settings.window
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (places - left) / (centre - left)
    falling = (right - places) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)


_LINEAR, _KNEE, _STEP = 3 / 200, 1000.0, np.log(6.4) / 27


def _mel(hertz):
    above = _KNEE * _LINEAR + np.log(np.maximum(hertz, _KNEE) / _KNEE) / _STEP
    return np.where(hertz < _KNEE, hertz * _LINEAR, above)


def _hertz(mel):
    knee = _KNEE * _LINEAR
    above = _KNEE * np.exp(_STEP * (np.maximum(mel, knee) - knee))
    return np.where(mel < knee, mel / _LINEAR, above)


def save_mel(path: str | os.PathLike[str], mel: np.ndarray, settings: MelSettings) -> None:
    """Writes a spectrogram ``[frames, bands]`` with its settings to an .npz file."""
    with atomic_path(Path(path)) as temporary, open(temporary, "wb") as file:
        np.savez(file, mel=mel, settings=json.dumps(settings.record()))


def load_mel(path: str | os.PathLike[str]) -> tuple[np.ndarray, MelSettings]:
    """Reads what `save_mel` wrote.

    Raises:
        InputError: If it is something else.
    """
    try:
        with np.load(path) as archive:
            mel = archive["mel"].astype(np.float32)
            settings = MelSettings(**json.loads(str(archive["settings"])))
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no spectrogram as tfp_flows.audio.save_mel writes it ({error})."
        ) from error
    if mel.ndim != 2 or mel.shape[1] != settings.bands or not np.isfinite(mel).all():
        raise InputError(
            f"{path} holds a spectrogram of shape {mel.shape}; give finite numbers [frames, "
            f"{settings.bands}]."
        )
    return mel, settings
