"""What a spectrogram does not tell of a recording, carried to another spectrogram."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.audio.mel import MelSettings
from tfp_flows.audio.segments import Framed
from tfp_flows.noise import seeded


def carry_latents(
    flow: Any, samples: np.ndarray, mel: np.ndarray, settings: MelSettings, temperature: float = 1.0
) -> np.ndarray:
    """The latents of one recording, spoken with the spectrogram of another.

    A recording is its spectrogram and its latents together: phases, noise, fine structure. With
    its own spectrogram it is itself.

    Source: WaveGlow, Prenger et al. 2018, arXiv:1811.00002, and Flowtron, Valle et al. 2020,
    arXiv:2005.05957, for latents as style.

    Args:
        flow: A flow of recordings ``[T, 1]`` given ``[T / hop, bands]``, whose base is standard
            normal.
        samples: ``[T]``, a window or longer: whose latents. They are repeated, or cropped, to the
            length of the spectrogram.
        mel: ``[frames, bands]``: with which spectrogram they are spoken.
        settings: Those of the flow's spectrograms.
        temperature: Factor on the latents.

    Returns:
        ``[frames * hop]``.
    """
    clip = Framed.of(samples, settings)
    x = tf.constant(clip.audio.reshape(1, -1, 1), flow.dtype)
    with seeded(0, 0):
        z = flow.to_latent(x, tf.constant(clip.mel[None], flow.dtype)).numpy()[0]
    length = len(mel) * len(z) // len(clip)
    z = np.resize(z, (length, z.shape[1]))
    made = flow.from_latent(temperature * z[None], tf.constant(mel[None], flow.dtype))
    return made.numpy()[0, :, 0]
