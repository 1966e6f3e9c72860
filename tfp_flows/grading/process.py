"""The trusted end of a submission's process: starts it, asks it, and ends it."""

import contextlib
import itertools
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfp_flows.grading.confined.wire import Channel, Closed, TimedOut, WireError
from tfp_flows.grading.isolation import Isolation, Limits, user_of, walls
from tfp_flows.grading.zygote import NoWalls, Zygote

_MOST_OUTPUT = 1 << 14
_MOST_RUNS = 64
_LONGEST_REPLY = 1 << 16
_MOST_ARRAYS = 1 << 26
_INSIDE = "/tmp"  # of the walls, never of this machine


class Failure(Exception):
    """The submission raised an error.

    Attributes:
        error: Name of its class.
        text: What it says.
        place: Cell of the submission where it came up; "" if unknown, or in a script.
        line: Line there; 0 if unknown.
    """

    def __init__(self, description: Any):
        description = description if isinstance(description, dict) else {}
        self.error = str(description.get("error", "an error"))[:60]
        self.text = str(description.get("text", ""))[:500]
        self.place = str(description.get("place", ""))[:30]
        line = description.get("line", 0)
        self.line = line if isinstance(line, int) else 0
        super().__init__(self.text)


class Ended(Exception):
    """The submission's process is over before it has answered.

    Attributes:
        reason: "time", "memory", "exit", "signal" or "nonsense" (it wrote to the connection).
        code: Exit code or number of the signal.
    """

    def __init__(self, reason: str, code: int = 0):
        super().__init__(reason)
        self.reason, self.code = reason, code


class Slots:
    """Numbers for runs at the same time, so that no two share a user."""

    def __init__(self) -> None:
        self._free = set(range(_MOST_RUNS))
        self._change = threading.Condition()

    @contextlib.contextmanager
    def take(self):
        """Holds a number; waits for one if all are taken."""
        with self._change:
            while not self._free:
                self._change.wait()
            slot = self._free.pop()
        try:
            yield slot
        finally:
            with self._change:
                self._free.add(slot)
                self._change.notify()


class Process:
    """A run of a submission, behind walls.

    Args:
        zygote: What forks it.
        limits: Its bounds; the time counts from here.
        slot: Its number among the runs at the same time.

    Raises:
        NoWalls: The walls cannot be put up.
    """

    _numbers = itertools.count()

    def __init__(self, zygote: Zygote, limits: Limits, slot: int):
        self._deadline = time.monotonic() + limits.seconds
        self._closed = False
        self.peak = 0
        # Removing is tied to having made the folder: a path may also name one inside the walls.
        self._made = _made_folder(zygote.isolation, slot)
        scratch = os.path.join(self._made.name, "scratch") if self._made else _INSIDE
        ours, theirs = socket.socketpair()
        self._status, their_status = socket.socketpair()
        read, write = os.pipe()
        job = {
            "walls": walls(zygote.isolation, limits, scratch, slot),
            "resident": limits.memory,
        }
        self._output: list[bytes] = []
        self._reader = threading.Thread(target=_drain, args=(read, self._output), daemon=True)
        self._reader.start()
        try:
            zygote.submit(job, [theirs.fileno(), write, their_status.fileno()])
        finally:
            theirs.close()
            their_status.close()
            os.close(write)
        self._channel = Channel(ours, max_arrays=_MOST_ARRAYS)
        try:
            hello, _ = self._channel.receive(self._deadline)
        except WireError:
            hello = {"walls": None, "error": "no answer"}
        self.isolation: list[str] = hello["walls"]
        if self.isolation is None:
            self.close()
            raise NoWalls(f"{hello.get('error')} {self.output[-1000:]}".strip())

    def request(
        self, do: str, arrays: Sequence[np.ndarray] = (), **fields: Any
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Asks for something and waits for the answer.

        Raises:
            Failure: The submission raised an error.
            Ended: Its process is over, or was ended for its time.
        """
        try:
            self._channel.send({"do": do, **fields}, arrays, deadline=self._deadline)
            reply, found = self._channel.receive(self._deadline)
        except TimedOut:
            self.close()
            raise Ended("time") from None
        except Closed:
            raise self._ending() from None
        except WireError:
            self.close()
            raise Ended("nonsense") from None
        if "failure" in reply:
            raise Failure(reply["failure"])
        answer = reply.get("answer")
        if not isinstance(answer, dict):
            self.close()
            raise Ended("nonsense")
        return answer, found

    def _ending(self) -> Ended:
        report = self._wait()
        self.close()
        if report.get("reason") == "memory":
            return Ended("memory")
        code = report.get("code", 0)
        return Ended("signal", -code) if code < 0 else Ended("exit", code)

    def _wait(self) -> dict[str, Any]:
        self._status.settimeout(2)
        report: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            report = json.loads(self._status.recv(_LONGEST_REPLY))
            self.peak = int(report["peak"]) * 1024
        return report

    @property
    def output(self) -> str:
        """What it has printed, cut short; whole after `close`."""
        text = b"".join(self._output).decode(errors="replace")
        return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)

    def close(self) -> None:
        """Ends the run, and removes what it has left."""
        if self._closed:
            return
        self._closed = True
        self._channel.close()
        if not self.peak:
            # The other end is told to stop, and reports before it hangs up.
            with contextlib.suppress(OSError):
                self._status.shutdown(socket.SHUT_WR)
            self._wait()
        self._status.close()
        self._reader.join(2)
        if self._made:
            self._made.cleanup()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _made_folder(isolation: Isolation, slot: int) -> tempfile.TemporaryDirectory | None:
    """A scratch folder on this machine; None where the walls hold one of their own."""
    if isolation.namespaces or isolation.bubblewrap:
        return None
    folder = tempfile.TemporaryDirectory(prefix="tfp-flows-grade-", ignore_cleanup_errors=True)
    scratch = os.path.join(folder.name, "scratch")
    os.mkdir(scratch, 0o700)
    if isolation.user:
        # The folder itself stays ours, so that the run cannot put something else in its place.
        os.chmod(folder.name, 0o711)
        os.chown(scratch, user_of(slot), user_of(slot))
    return folder


def _drain(descriptor: int, parts: list[bytes]) -> None:
    """Reads all that is printed, and keeps the first of it."""
    size = 0
    with open(descriptor, "rb", buffering=0) as pipe:
        while data := pipe.read(1 << 16):
            if size < _MOST_OUTPUT:
                parts.append(data[: _MOST_OUTPUT - size])
                size += len(parts[-1])
