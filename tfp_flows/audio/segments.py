"""Segments of recordings with their frames, drawn at random for training."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfp_flows.audio.mel import MelSettings, log_mel, log_mel_of_padded


@dataclasses.dataclass(frozen=True)
class Framed:
    """Recordings with a mel frame for each ``hop`` samples.

    Attributes:
        audio: ``[frames, hop]``.
        mel: ``[frames, bands]``.
    """

    audio: np.ndarray
    mel: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray, settings: MelSettings) -> "Framed":
        """One recording ``[T]``, cropped to whole frames."""
        whole = samples[: len(samples) // settings.hop * settings.hop]
        return cls(whole.reshape(-1, settings.hop), log_mel(whole, settings).numpy())

    @classmethod
    def joined(cls, parts: "list[Framed]") -> "Framed":
        """Recordings laid end to end, so that none is too short for a segment."""
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("audio", "mel")))

    @property
    def context(self) -> np.ndarray:
        """What a flow is given: the frames."""
        return self.mel

    def __len__(self):
        return len(self.mel)

    def __getitem__(self, frames: slice) -> "Framed":
        return Framed(self.audio[frames], self.mel[frames])

    def cut(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """All segments of so many frames, one after the other; what is left over is dropped.

        Returns:
            ``[n, frames * hop, 1]`` samples and ``[n, frames, bands]``.
        """
        count = len(self) // frames
        audio, mel = self.audio[: count * frames], self.mel[: count * frames]
        return audio.reshape(count, -1, 1), mel.reshape(count, frames, -1)

    def drawn(
        self,
        settings: MelSettings,
        frames: int,
        batch_size: int,
        steps: int,
        *,
        seed: int,
        epoch: "int | tf.Variable",
    ) -> tf.data.Dataset:
        """Batches of segments from anywhere; each hangs on seed, epoch and step alone.

        They begin at any sample, and their spectrograms are made anew: with frames that were made
        once a flow learns recordings of a few minutes by heart.

        Args:
            settings: Those of the spectrograms.
            frames: Of a segment.
            batch_size: Segments a batch.
            steps: Batches an epoch.
            seed: Seed of the places.
            epoch: Number of the epoch, or a variable with it.

        Returns:
            Pairs ``[batch_size, frames * hop, 1]`` and ``[batch_size, frames, bands]``.
        """
        edge = (settings.window - settings.hop) // 2
        length, whole = frames * settings.hop, self.audio.ravel()
        padded = tf.constant(np.pad(whole, edge, mode="reflect"))
        most = len(whole) - length + 1

        def batch(step):
            pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64) * steps + step])
            starts = tf.random.stateless_uniform([batch_size], pair, maxval=most, dtype=tf.int32)
            around = tf.gather(padded, starts[:, None] + tf.range(length + 2 * edge))
            around = tf.ensure_shape(around, [batch_size, length + 2 * edge])
            return around[:, edge : edge + length, None], log_mel_of_padded(around, settings)

        return tf.data.Dataset.range(steps).map(batch)
