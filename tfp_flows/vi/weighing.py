"""Draws of a flow with their weights."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from tfp_flows.flows import Flow

_BATCH = 2000
# Beyond the numbers of steps, so that no draw of the training is one of an evaluation.
PLACE = 2**30


def weigh(
    flow: Flow,
    log_prob: Callable[[tf.Tensor], tf.Tensor],
    count: int,
    pair: tuple[int, int],
    *,
    size: int = _BATCH,
    watched: Callable[[range], Iterable[int]] = iter,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of a flow, and by how much a target is above its density there.

    Args:
        flow: Over vectors ``[D]``.
        log_prob: The target, from ``[n, D]`` to ``[n]``, in nats.
        count: Number of draws.
        pair: Seed, and number of the evaluation; the draws are the same for the same pair.
        size: Draws at once.
        watched: Goes through the batches' numbers, and may show how far it is.

    Returns:
        Draws ``[n, D]`` and log-weights ``[n]``.
    """
    size = min(count, size)

    @tf.function(autograph=False)
    def drawn(place):
        seed = tf.stack([tf.constant(pair[0]), place])
        z, log_q = flow.sample_and_log_prob(size, seed=seed)
        return z, log_prob(z) - log_q

    first = PLACE + pair[1] * 2**20
    batches = range(math.ceil(count / size))
    found = [drawn(tf.constant(first + i)) for i in watched(batches)]
    z, log_weights = (
        np.concatenate([each.numpy() for each in several])[:count]
        for several in zip(*found, strict=True)
    )
    return z, log_weights.astype(np.float64)
