"""Confined processes on demand: one loaded TensorFlow for each Keras, the strongest walls."""

import contextlib
import threading
from collections.abc import Iterator

from tfp_flows.errors import InputError
from tfp_flows.grading.isolation import Isolation, Limits, candidates
from tfp_flows.grading.process import Process, Slots
from tfp_flows.grading.zygote import NoWalls, Zygote, check_platform

KERAS = ("tf_keras", "keras")


class Pool:
    """Starts confined processes.

    Args:
        limits: Bounds on each.
        isolation: The walls; the strongest ones that work here by default.

    Raises:
        InputError: This system cannot do it.
    """

    def __init__(self, limits: Limits, isolation: Isolation | None = None):
        check_platform()
        self.limits = limits
        self._ways = candidates() if isolation is None else [isolation]
        self._zygotes: dict[str, Zygote] = {}
        self._lock = threading.Lock()
        self._slots = Slots()

    @contextlib.contextmanager
    def process(self, keras: str, seconds: float) -> Iterator[Process]:
        """A new confined process; it is ended with the block.

        Args:
            keras: The Keras in it, "tf_keras" or "keras".
            seconds: Most wall time.

        Raises:
            InputError: No process can be started here.
        """
        with self._slots.take() as slot:
            process, own = self._start(keras, seconds, slot)
            try:
                yield process
            finally:
                process.close()
                if own is not None:
                    own.close()

    def _start(self, keras: str, seconds: float, slot: int) -> tuple[Process, Zygote | None]:
        complaints = []
        # Twice each: a process that has died since is started anew.
        for _ in range(2 * len(self._ways)):
            way = self._ways[0]
            try:
                zygote = self._zygote(keras, way)
                try:
                    limits = _within(self.limits, seconds)
                    process = Process(zygote, limits, slot)
                except NoWalls:
                    self._forget(zygote)
                    raise
            except NoWalls as error:
                complaints.append(str(error))
                with self._lock:
                    if complaints[:-1] and self._ways[0] == way and len(self._ways) > 1:
                        self._ways = self._ways[1:]
                        complaints.clear()
                continue
            return process, zygote if way.shares_processes else None
        raise InputError(f"No confined process starts here: {complaints[-1][-500:]}")

    def _zygote(self, keras: str, way: Isolation) -> Zygote:
        if way.shares_processes:
            return Zygote(keras, way)
        with self._lock:
            known = self._zygotes.get(keras)
            if known is None or known.isolation != way:
                if known is not None:
                    known.close()
                known = self._zygotes[keras] = Zygote(keras, way)
            return known

    def _forget(self, zygote: Zygote) -> None:
        with self._lock:
            if self._zygotes.get(zygote.keras) is zygote:
                del self._zygotes[zygote.keras]
        zygote.close()

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the libraries that have been loaded so far."""
        with self._lock:
            return {k: v for zygote in self._zygotes.values() for k, v in zygote.versions.items()}

    def close(self) -> None:
        """Ends all processes."""
        with self._lock:
            for zygote in self._zygotes.values():
                zygote.close()
            self._zygotes.clear()


def _within(limits: Limits, seconds: float) -> Limits:
    return Limits(**{**vars(limits), "seconds": min(limits.seconds, seconds)})
