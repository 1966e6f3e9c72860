"""What a vocoder adds to every recording, and how it is taken away."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.audio.mel import MelSettings

_FRAMES = 64


class BiasRemover:
    """Subtracts what a flow of recordings says to silence at temperature 0, in the STFT.

    Flows of squeezed samples leave faint tones at multiples of the rate over the squeeze. They are
    in what is sampled for silence too, and there alone.

    Source: WaveGlow, Prenger et al. 2018, arXiv:1811.00002; the denoiser of the authors' code.

    Args:
        flow: A flow of recordings ``[T, 1]`` given ``[T / hop, bands]``.
        settings: Those of its spectrograms.
    """

    def __init__(self, flow: Any, settings: MelSettings):
        self._settings = settings
        silence = np.full([1, _FRAMES, settings.bands], np.log(settings.floor), np.float32)
        said = flow.sample(context=silence, seed=0, temperature=0.0)[0, :, 0]
        self.magnitudes = tf.reduce_mean(tf.abs(self._transformed(said)), axis=0)

    def __call__(self, samples, strength: float = 1.0) -> np.ndarray:
        """Takes ``strength`` times the magnitudes from a recording ``[T]``; phases stay.

        Raises:
            ValueError: If the strength is negative.
        """
        if not strength >= 0:
            raise ValueError(f"strength must not be negative, got {strength!r}.")
        samples = tf.convert_to_tensor(samples, tf.float32)
        length, edge = len(samples), self._settings.window
        padded = tf.pad(samples, [[edge, edge + self._settings.hop]])
        spectrum = self._transformed(padded)
        size = tf.abs(spectrum)
        left = tf.maximum(size - strength * self.magnitudes, 0.0) / tf.maximum(size, 1e-12)
        window, hop = self._settings.window, self._settings.hop
        back = tf.signal.inverse_stft(
            spectrum * tf.cast(left, spectrum.dtype),
            window,
            hop,
            window,
            window_fn=tf.signal.inverse_stft_window_fn(hop),
        )
        return back[edge : edge + length].numpy()

    def _transformed(self, samples):
        window = self._settings.window
        return tf.signal.stft(samples, window, self._settings.hop, window)
