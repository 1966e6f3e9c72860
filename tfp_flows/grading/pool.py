"""Confined processes on demand: one loaded TensorFlow for each Keras, the strongest walls."""

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterable, Iterator

from tfp_flows.errors import InputError
from tfp_flows.grading.confined.linux import set_dumpable
from tfp_flows.grading.isolation import Isolation, Limits, candidates, closed_folder
from tfp_flows.grading.process import MOST_RUNS, Process, Slots
from tfp_flows.grading.turns import Turns
from tfp_flows.grading.zygote import NoWalls, Stalled, Zygote, check_platform

KERAS = ("tf_keras", "keras")
_TRIES = 3
# One for all pools: their processes share this machine.
_TURNS = Turns()


class Pool:
    """Starts confined processes.

    Args:
        limits: Bounds on each.
        isolation: The walls; the strongest ones that work here by default.
        secrets: Folders that no process may see, besides this package.
        weak_walls: Whether to go on where a wall that matters is missing.

    Raises:
        InputError: This system cannot do it.
    """

    def __init__(
        self,
        limits: Limits,
        isolation: Isolation | None = None,
        secrets: Iterable[str] = (),
        *,
        weak_walls: bool = False,
    ):
        check_platform()
        self.limits = limits
        self._weak_walls = weak_walls
        ways = candidates() if isolation is None else [isolation]
        hidden = [os.path.realpath(folder) for folder in secrets]
        self._ways = [dataclasses.replace(way, secrets=(*way.secrets, *hidden)) for way in ways]
        self._proven: Isolation | None = None
        self._zygotes: dict[str, Zygote] = {}
        self._lock = threading.Lock()
        self._slots = Slots()
        # Of their own: one who holds a slot and waits for a second one could wait forever.
        self._reference_slots = Slots(MOST_RUNS)

    @contextlib.contextmanager
    def process(self, keras: str, seconds: float, *, guarded: bool) -> Iterator[Process]:
        """A new confined process; it is ended with the block.

        Args:
            keras: The Keras in it, "tf_keras" or "keras".
            seconds: Most wall time.
            guarded: Whether something of the reference comes into it, so that nothing may be
                shown of what it says. It waits for those that are not, and they for it.

        Raises:
            InputError: No process can be started here, or none behind the walls that matter.
        """
        limits = dataclasses.replace(self.limits, seconds=min(self.limits.seconds, seconds))
        with (
            _TURNS.take(guarded=guarded),
            self._slots.take() as slot,
            self._run(keras, limits, slot) as process,
        ):
            yield process

    @contextlib.contextmanager
    def reference(self, keras: str) -> Iterator[Process]:
        """The same for the reference, which may wait while the submission works.

        Raises:
            InputError: No process can be started here.
        """
        limits = dataclasses.replace(self.limits, seconds=2 * self.limits.total_seconds)
        with self._reference_slots.take() as slot, self._run(keras, limits, slot) as process:
            yield process

    @contextlib.contextmanager
    def _run(self, keras: str, limits: Limits, slot: int) -> Iterator[Process]:
        process, zygote = self._start(keras, limits, slot)
        try:
            yield process
        finally:
            process.close()
            if zygote.isolation.shares_processes:
                zygote.retire()
            zygote.release()

    def _start(self, keras: str, limits: Limits, slot: int) -> tuple[Process, Zygote]:
        stalled = 0
        while True:
            way = self._ways[0]
            try:
                zygote = self._zygote(keras, way)
                try:
                    process = Process(zygote, limits, slot)
                except BaseException:
                    self._forget(zygote)
                    raise
            except NoWalls as error:
                stalled += self._give_up(way, str(error))
                complaint = str(error)
            except Stalled as error:
                stalled += 1
                complaint = str(error)
            else:
                self._proven = way
                if process.serious and not self._weak_walls:
                    process.close()
                    self._forget(zygote)
                    raise InputError(_too_weak(process.serious))
                return process, zygote
            if stalled >= _TRIES:
                raise InputError(f"No confined process starts here: {complaint[-500:]}")

    def _give_up(self, way: Isolation, complaint: str) -> bool:
        """Goes on to the next way; returns whether this one has worked and must be kept.

        Raises:
            InputError: There is no other one.
        """
        with self._lock:
            if self._proven == way:
                return True
            if self._ways[0] == way:
                if len(self._ways) == 1:
                    raise InputError(f"Nothing can be confined here: {complaint[-500:]}")
                self._ways = self._ways[1:]
            return False

    def _zygote(self, keras: str, way: Isolation) -> Zygote:
        """A zygote that is held for the caller."""
        if not way.namespaces and way.bubblewrap is None:
            # A run of the same user must not look into this process.
            set_dumpable(False)
        if way.shares_processes:
            zygote = Zygote(keras, way)
            zygote.hold()
            return zygote
        with self._lock:
            known = self._zygotes.get(keras)
            if known is None or known.isolation != way:
                if known is not None:
                    known.retire()
                known = self._zygotes[keras] = Zygote(keras, way)
            known.hold()
            return known

    def _forget(self, zygote: Zygote) -> None:
        """Starts a new one next time; this one ends when nothing runs in it any more."""
        with self._lock:
            if self._zygotes.get(zygote.keras) is zygote:
                del self._zygotes[zygote.keras]
        zygote.retire()
        zygote.release()

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the libraries that have been loaded so far."""
        with self._lock:
            return {k: v for zygote in self._zygotes.values() for k, v in zygote.versions.items()}

    def close(self) -> None:
        """Ends all processes."""
        with self._lock:
            for zygote in self._zygotes.values():
                zygote.retire()
            self._zygotes.clear()


def _too_weak(serious: Iterable[str]) -> str:
    closed = closed_folder() if os.getuid() == 0 else None
    cure = f"open {closed} to other users, " if closed else ""
    return (
        f"The walls are too weak here: {'; '.join(serious)}; {cure}grade on another machine, or "
        "accept it with --weak-walls."
    )
