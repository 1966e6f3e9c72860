"""Measures and samples of a flow of images."""

import math
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfp_flows.terminal import tracked

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

BATCH = 64


def bits_per_dim(flow: "Flow", batches) -> np.ndarray:
    """Bits per dimension of each image, in the order of the stream."""
    scale = -math.log(2) * math.prod(flow.event_shape)

    @tf.function(reduce_retracing=True)
    def compiled(x, context):
        return flow.log_prob(x, context) / tf.cast(scale, flow.dtype)

    results = []
    for batch in tracked(batches, "Scoring", int(batches.cardinality())):
        x, context = batch if isinstance(batch, tuple) else (batch, None)
        results.append(compiled(x, context).numpy())
    return np.concatenate(results)


def draw(
    flow: "Flow", count: int, seed: int, *, contexts=None, temperature: float = 1.0
) -> np.ndarray:
    """Samples ``[count, height, width, channels]``, the same for the same count and seed."""

    @tf.function
    def compiled(pair, context):
        shape = min(count, BATCH) if context is None else ()
        return flow.sample(shape, context, seed=pair, temperature=temperature)

    parts = []
    for i, start in enumerate(range(0, count, BATCH)):
        context = None
        if contexts is not None:
            context = tf.constant(np.resize(contexts[start:], (BATCH, contexts.shape[1])))
        parts.append(compiled(tf.constant([seed, i], tf.int32), context).numpy())
    return np.concatenate(parts)[:count]


def contexts_in_turn(classes: int, count: int) -> np.ndarray | None:
    """One-hot classes in turn; None without classes."""
    if not classes:
        return None
    return np.eye(classes, dtype=np.float32)[np.arange(count) % classes]
