"""Keeps runs apart that must not be side by side."""

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """Lets guarded runs be side by side, and shown ones, but never both kinds.

    A guarded run sees something of the reference, and nothing that it says is shown. Two runs at
    the same time can always tell each other something, by the time that they take at least.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._running = {True: 0, False: 0}
        self._waiting = 0  # guarded ones: no new shown one goes before them

    @contextlib.contextmanager
    def take(self, *, guarded: bool) -> Iterator[None]:
        """Waits until there is no run of the other kind; none begins within the block.

        Args:
            guarded: The kind.
        """
        with self._change:
            self._waiting += guarded
            while self._running[not guarded] or (not guarded and self._waiting):
                self._change.wait()
            self._waiting -= guarded
            self._running[guarded] += 1
        try:
            yield
        finally:
            with self._change:
                self._running[guarded] -= 1
                self._change.notify_all()
