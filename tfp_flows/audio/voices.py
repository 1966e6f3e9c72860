"""Recordings by speaker: segments for training, and one voice turned into another."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.noise import seeded


@dataclasses.dataclass(frozen=True)
class Spoken:
    """One recording and who speaks, in places of ``unit`` samples.

    Attributes:
        audio: ``[places, unit]``.
        context: One for the speaker and zeros, ``[speakers]``.
    """

    audio: np.ndarray
    context: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray, speaker: int, speakers: int, unit: int) -> "Spoken":
        """A recording ``[T]``, cropped to whole places."""
        whole = samples[: len(samples) // unit * unit]
        return cls(whole.reshape(-1, unit), one_hot(speaker, speakers))

    def __len__(self):
        return len(self.audio)

    def __getitem__(self, places: slice) -> "Spoken":
        return Spoken(self.audio[places], self.context)


@dataclasses.dataclass(frozen=True)
class Voices:
    """All recordings of each speaker laid end to end, one speaker after the other.

    Attributes:
        audio: ``[T]``.
        lengths: Samples of each speaker.
    """

    audio: np.ndarray
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, parts: Sequence[np.ndarray]) -> "Voices":
        """From the samples of each speaker, ``[T]`` each."""
        return cls(np.concatenate(parts), tuple(len(part) for part in parts))

    def cut(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """All segments of one speaker each, one after the other; what is left over is dropped.

        Returns:
            ``[n, length, 1]`` samples and ``[n, speakers]``.
        """
        parts, contexts, begin = [], [], 0
        for speaker, size in enumerate(self.lengths):
            count = size // length
            parts.append(self.audio[begin : begin + count * length].reshape(count, length, 1))
            contexts.append(np.repeat([one_hot(speaker, len(self.lengths))], count, axis=0))
            begin += size
        return np.concatenate(parts), np.concatenate(contexts)

    def drawn(
        self, length: int, batch_size: int, steps: int, *, seed: int, epoch: "int | tf.Variable"
    ) -> tf.data.Dataset:
        """Batches of segments from anywhere within one speaker's recordings.

        Each hangs on seed, epoch and step alone.

        Args:
            length: Samples of a segment; each speaker has as many or more.
            batch_size: Segments a batch.
            steps: Batches an epoch.
            seed: Seed of the places.
            epoch: Number of the epoch, or a variable with it.

        Returns:
            Pairs ``[batch_size, length, 1]`` and ``[batch_size, speakers]``.
        """
        lengths, whole = np.array(self.lengths), tf.constant(self.audio)
        places = np.cumsum(lengths - length + 1)
        # From a place among all that a segment may begin at to one in the audio.
        jumps = tf.constant(np.arange(len(lengths)) * (length - 1), tf.int32)
        ends = tf.constant(places, tf.int32)

        def batch(step):
            pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64) * steps + step])
            drawn = tf.random.stateless_uniform(
                [batch_size], pair, maxval=int(places[-1]), dtype=tf.int32
            )
            speaker = tf.searchsorted(ends, drawn, side="right")
            starts = drawn + tf.gather(jumps, speaker)
            x = tf.gather(whole, starts[:, None] + tf.range(length))
            context = tf.one_hot(speaker, len(lengths))
            return (
                tf.ensure_shape(x, [batch_size, length])[..., None],
                tf.ensure_shape(context, [batch_size, len(lengths)]),
            )

        return tf.data.Dataset.range(steps).map(batch)


def one_hot(speaker: int, speakers: int) -> np.ndarray:
    """One at the place of a speaker, ``[speakers]``."""
    return np.eye(speakers, dtype=np.float32)[speaker]


def convert(flow: Any, samples: np.ndarray, source: int, target: int | Sequence[int]) -> np.ndarray:
    """What one speaker says, said by another: to the latent as one, back as the other.

    Source: Blow, Serrà et al. 2019, arXiv:1906.00794.

    Args:
        flow: A flow of recordings ``[T, 1]`` given speakers ``[speakers]``.
        samples: ``[T]`` in [-1, 1), of any length.
        source: Place of the speaker.
        target: Place of the other one, or of several.

    Returns:
        ``[T]``, or ``[targets, T]`` of several.
    """
    (speakers,) = flow.context_shape
    targets = np.atleast_1d(target)
    x = tf.constant(_padded(flow, samples)[None, :, None], flow.dtype)
    with seeded(0, 0):
        z = flow.to_latent(x, one_hot(source, speakers)[None])
    contexts = np.stack([one_hot(each, speakers) for each in targets])
    made = flow.from_latent(tf.repeat(z, len(targets), axis=0), contexts)
    made = made.numpy()[:, : len(samples), 0]
    return made if np.ndim(target) else made[0]


def speaker_scores(flow: Any, samples: np.ndarray) -> np.ndarray:
    """Nats a sample of a recording ``[T]`` by each speaker, ``[speakers]``."""
    (speakers,) = flow.context_shape
    padded = _padded(flow, samples)
    x = tf.constant(np.repeat(padded[None, :, None], speakers, axis=0), flow.dtype)
    with seeded(0, 0):
        return flow.log_prob(x, np.eye(speakers, dtype=np.float32)).numpy() / len(padded)


def _padded(flow: Any, samples: np.ndarray) -> np.ndarray:
    """With its mirror image behind the end, to whole places of the latent."""
    unit = math.prod(flow.bijector.place_factors)
    return np.pad(samples, (0, -len(samples) % unit), mode="symmetric")
