"""The trusted end of a submission's process: starts it, asks it, and ends it."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfp_flows.grading.confined.wire import (
    MOST_NUMBERS,
    Channel,
    Closed,
    TimedOut,
    WireError,
)
from tfp_flows.grading.isolation import Limits, run_of
from tfp_flows.grading.results import printable
from tfp_flows.grading.zygote import NoWalls, Stalled, Zygote

MOST_RUNS = 64
_MOST_OUTPUT = 1 << 14
_LONGEST_REPLY = 1 << 16
# Of an answer: the statements of a file, anything else, and the bytes of its arrays.
_LONGEST_FILE, _LONGEST_ANSWER, _MOST_ARRAYS = 1 << 22, 1 << 20, 1 << 23
_START_SECONDS = 30


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

        def words(key: str, most: int) -> str:
            said = description.get(key)
            return said[:most] if isinstance(said, str) else ""

        self.error = words("error", 60) or "an error"
        self.text, self.place = words("text", 500), words("place", 30)
        line = description.get("line")
        self.line = line if type(line) is int else 0
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
    """Numbers for runs at the same time, so that no two share a user.

    Args:
        first: The first of them.
    """

    def __init__(self, first: int = 0) -> None:
        self._free = set(range(first, first + MOST_RUNS))
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
        limits: Its bounds; the time counts from when it is ready.
        slot: Its number among the runs at the same time.

    Attributes:
        isolation: The walls around it.
        weaker: What is weaker than it could be.
        serious: The part of that which must not be, unless whoever grades says so.

    Raises:
        NoWalls: The walls cannot be put up.
        Stalled: It did not start, which need not be for the walls.
    """

    def __init__(self, zygote: Zygote, limits: Limits, slot: int):
        self._closed = False
        self._started = time.monotonic()
        self.peak = 0
        self.seconds = 0.0
        ours, theirs = socket.socketpair()
        self._status, their_status = socket.socketpair()
        read, write = os.pipe()
        self._output: list[bytes] = []
        self._reader = threading.Thread(target=_drain, args=(read, self._output), daemon=True)
        self._reader.start()
        self._channel = Channel(
            ours, max_json=_LONGEST_ANSWER, max_arrays=_MOST_ARRAYS, max_numbers=MOST_NUMBERS
        )
        try:
            job = run_of(zygote.isolation, limits, slot)
            zygote.submit(job, [theirs.fileno(), write, their_status.fileno()])
        except BaseException:
            self._abandon()
            raise
        finally:
            theirs.close()
            their_status.close()
            os.close(write)
        walls = self._hello()
        self.isolation: list[str] = walls["names"]
        self.weaker: list[str] = walls["weaker"]
        self.serious: list[str] = walls["serious"]
        self._started = time.monotonic()
        self._deadline = self._started + limits.seconds

    def _hello(self) -> dict[str, list[str]]:
        """Waits until the walls are up; nothing of the submission has run by then."""
        try:
            hello, _ = self._channel.receive(time.monotonic() + _START_SECONDS)
        except TimedOut:
            self.close()
            raise Stalled(f"no answer in {_START_SECONDS} seconds") from None
        except WireError:
            self.close()
            raise NoWalls(f"it ended at once {self.output[-1000:]}".strip()) from None
        if hello.get("walls") is None:
            self.close()
            raise NoWalls(f"{hello.get('error')} {self.output[-1000:]}".strip())
        return hello["walls"]

    def _abandon(self) -> None:
        self._closed = True
        self._channel.close()
        self._status.close()

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
            longest = _LONGEST_FILE if do == "read" else None
            reply, found = self._channel.receive(self._deadline, max_json=longest)
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
        return printable(b"".join(self._output).decode(errors="replace"))

    def close(self) -> None:
        """Ends the run, and removes what it has left."""
        if self._closed:
            return
        self._closed = True
        self.seconds = time.monotonic() - self._started
        self._channel.close()
        if not self.peak:
            # The other end is told to stop, and reports before it hangs up.
            with contextlib.suppress(OSError):
                self._status.shutdown(socket.SHUT_WR)
            self._wait()
        self._status.close()
        self._reader.join(2)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _drain(descriptor: int, parts: list[bytes]) -> None:
    """Reads all that is printed, and keeps the first of it."""
    size = 0
    with open(descriptor, "rb", buffering=0) as pipe:
        while data := pipe.read(1 << 16):
            if size < _MOST_OUTPUT:
                parts.append(data[: _MOST_OUTPUT - size])
                size += len(parts[-1])
