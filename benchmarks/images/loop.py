"""The loop of the peers, which have none of their own."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.density.budget import Budget


def run(
    step: Callable[[np.ndarray, float], None],
    score: Callable[[], float],
    keep: Callable[[], None],
    batches: Iterator[np.ndarray],
    budget: Budget,
) -> None:
    """Trains until the budget is over.

    Args:
        step: Trains on a batch of bytes with a learning rate.
        score: Returns the mean log-density of the validation images, in nats.
        keep: Keeps the weights, the best so far.
        batches: Batches of bytes without end.
        budget: Time, learning rate and validation.
    """
    for steps in itertools.count(1):
        step(next(batches), budget.learning_rate)
        if budget.due(steps) and budget.record(steps, score()):
            keep()
        if budget.over:
            return


def batches(images: np.ndarray, size: int, seed: int) -> Iterator[np.ndarray]:
    """Full batches without end; each epoch has an order of its own and drops its remainder."""
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(len(images))
        for start in range(0, len(images) - size + 1, size):
            yield images[order[start : start + size]]
