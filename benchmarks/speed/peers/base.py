"""What every adapter provides, and how a training loop is timed."""

import abc
import time
from collections.abc import Callable

import numpy as np

from benchmarks.speed.cases import EPOCH_STEPS, Case

_EPOCHS_PER_MEASUREMENT = 2


class Peer(abc.ABC):
    """One library's flow for one case, built by the constructor of the subclass.

    Args:
        case: What to build.
        data: ``[n, dims]``, the rows to train on; ``n`` is a multiple of the batch size.
        variant: One of the library's variants.
        threads: Threads that the library may use.
    """

    def __init__(self, case: Case, data: np.ndarray, variant: str, threads: int):
        self.case, self.data, self.variant, self.threads = case, data, variant, threads
        self.batch = np.ascontiguousarray(data[: case.batch])
        self._epoch_steps = 0

    @abc.abstractmethod
    def parameters(self) -> int:
        """The number of trainable numbers, entries under a mask included."""

    @abc.abstractmethod
    def operations(self) -> dict[str, Callable[[], object]]:
        """Calls by name, except training.

        Each completes the work of one batch and returns its array (`sample_and_log_prob`: two).
        An operation that the variant does not change may be left to another variant.
        """

    @abc.abstractmethod
    def first_step(self) -> float:
        """Trains one step, the first in this process; returns its seconds, compilation included."""

    @abc.abstractmethod
    def epochs(self, steps: int, seconds: float) -> list[float]:
        """Trains epochs of ``steps`` steps, for ``seconds`` or longer; returns the time of each."""

    @abc.abstractmethod
    def products(self, rows: int, size: int, count: int) -> Callable[[], object]:
        """A call that multiplies float32 ``[rows, size]`` by ``[size, size]`` ``count`` times."""

    def train(self, seconds: float) -> list[float]:
        """Trains for about ``seconds``; returns the seconds a step of each epoch."""
        if not self._epoch_steps:
            self._epoch_steps = self._choose_epoch(seconds)
            self._warm_epoch(self._epoch_steps)
        times = self.epochs(self._epoch_steps, seconds)
        return [epoch / self._epoch_steps for epoch in times]

    def _choose_epoch(self, seconds):
        # Short epochs would charge the work at the start of an epoch to few steps.
        most = min(EPOCH_STEPS, len(self.data) // self.case.batch)
        steps, epoch = 1, self._warm_epoch(1)
        while epoch < seconds / 8 and steps < most:
            steps = min(4 * steps, most)
            epoch = self._warm_epoch(steps)
        return int(np.clip(steps * seconds / _EPOCHS_PER_MEASUREMENT / epoch, 1, most))

    def _warm_epoch(self, steps):
        # The first of a length may compile.
        self.epochs(steps, 0)
        return min(self.epochs(steps, 0))


class LoopPeer(Peer):
    """A peer that is trained by a loop over a step function."""

    @abc.abstractmethod
    def step(self, batch) -> None:
        """Runs or starts one training step on the rows of one batch."""

    @abc.abstractmethod
    def finish(self) -> None:
        """Waits until all steps are done."""

    def batches(self) -> list:
        """The batches of an epoch, in the form that `step` takes; slices, not copies."""
        size = self.case.batch
        return [self.data[i : i + size] for i in range(0, len(self.data), size)]

    def first_step(self) -> float:
        """See `Peer`."""
        batch = self.batches()[0]
        start = time.perf_counter()
        self.step(batch)
        self.finish()
        return time.perf_counter() - start

    def epochs(self, steps: int, seconds: float) -> list[float]:
        """See `Peer`."""
        batches, times = self.batches()[:steps], []
        while not times or sum(times) < seconds:
            start = time.perf_counter()
            for batch in batches:
                self.step(batch)
            self.finish()
            times.append(time.perf_counter() - start)
        return times
