"""Log-densities of whole recordings, a sample."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfp_flows.noise import seeded
from tfp_flows.terminal import tracked

if TYPE_CHECKING:
    from tfp_flows.audio import Framed, Spoken
    from tfp_flows.flows import Flow

# Samples that are evaluated at once; what is longer goes in pieces of this length.
_MOST = 2**20


def nats_a_sample(flow: "Flow", clips: "Sequence[Framed | Spoken]", seed: int) -> np.ndarray:
    """Nats a sample of each clip, the same for the same arguments.

    Clips beyond a million samples are evaluated in pieces, each by itself.

    Args:
        flow: A flow of recordings given their frames, or who speaks.
        clips: Recordings.
        seed: Seed of the noise of dequantisation.

    Returns:
        ``[clips]``.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def compiled(x, context, step):
        with seeded(seed, step):
            return flow.log_prob(x, context)[0]

    results = []
    for place, clip in enumerate(tracked(clips, "Scoring", len(clips))):
        frames, total = max(1, _MOST // clip.audio.shape[1]), 0.0
        for begin in range(0, len(clip), frames):
            part = clip[begin : begin + frames]
            x = tf.constant(part.audio.reshape(1, -1, 1), flow.dtype)
            context = tf.constant(part.context[None], flow.dtype)
            total += float(compiled(x, context, tf.constant(place, tf.int64)))
        results.append(total / clip.audio.size)
    return np.array(results)


def another_mel(clips: "Sequence[Framed]") -> "list[Framed]":
    """The same recordings, each with the frames of the next one, repeated if need be."""
    from tfp_flows.audio import Framed

    return [
        Framed(clip.audio, np.resize(other.mel, clip.mel.shape))
        for clip, other in zip(clips, [*clips[1:], clips[0]], strict=True)
    ]
