"""A small process beside each submission: it starts it, watches its memory, and ends it."""

import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from . import linux
from .walls import Bounds, View, enter
from .wire import Channel

_LOOK_EVERY = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")
_THREAD = 32 << 10  # what the kernel keeps for one


def run(view: View, job: dict[str, Any], channel: int, output: int, status: int) -> None:
    """Runs a submission's process and reports how it ended; the caller exits after it.

    Args:
        view: The files that it sees.
        job: ``bounds``, arguments of `Bounds`; ``resident``, most bytes of memory in use.
        channel: Descriptor of its connection with the grader.
        output: Descriptor that takes its standard output and error.
        status: Descriptor of a socket that takes the report. When its other end is closed, the
            submission is ended.
    """
    if view.namespaces:
        try:
            _enter_namespaces()
        except OSError as error:
            _refuse(Channel(socket.socket(fileno=channel)), error)
            return
    child = os.fork()
    if child == 0:
        _become_submission(view, Bounds(**job["bounds"]), channel, output)
    os.close(channel)
    os.close(output)
    connection = socket.socket(fileno=status)
    reason = _watch(child, connection, job["resident"])
    # Not waited for yet, so the number is still its own. It leads a group from its first line on;
    # before that there is no such group.
    for end in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            end(child, signal.SIGKILL)
    _, code, usage = os.wait4(child, 0)
    report = {"reason": reason, "code": os.waitstatus_to_exitcode(code), "peak": usage.ru_maxrss}
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(report).encode())


def _refuse(answers: Channel, error: Exception) -> None:
    """Tells that the walls cannot be put up."""
    answers.send({"walls": None, "error": f"{type(error).__name__}: {error}"})


def _enter_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    if user != 0:
        linux.set_dumpable(True)  # else the maps below belong to root
        linux.unshare(linux.CLONE_NEWUSER)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        linux.set_dumpable(False)
    linux.unshare(linux.CLONE_NEWPID)


def _watch(child: int, connection: socket.socket, resident: int) -> str | None:
    """Waits for the end of a process; returns the reason if it must be ended."""
    while True:
        readable, _, _ = select.select([connection], [], [], _LOOK_EVERY)
        if readable:
            return "asked"
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return None
        if _resident(child) > resident:
            return "memory"


def _resident(process: int) -> int:
    """Bytes of memory in use, with those of its threads; 0 where the machine does not say."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            # From the third field on: the second is a name, which may hold anything.
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[21]) * _PAGE + int(fields[17]) * _THREAD
    except (OSError, IndexError, ValueError):
        return 0


def _become_submission(view: View, bounds: Bounds, channel: int, output: int) -> None:
    """Turns this process into the one that will run a submission; never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        connection = os.dup(channel)
        kept = sorted({0, 1, 2, connection})
        for first, last in zip(kept, [*kept[1:], 1 << 16], strict=True):
            os.closerange(first + 1, last)
        # Line by line, because the end of the process comes without a flush.
        stream = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stream
        answers = Channel(socket.socket(fileno=connection))
        try:
            standing = enter(view, bounds)
            from .answers import serve, try_tensorflow

            try_tensorflow()
        except Exception as error:
            _refuse(answers, error)
            os._exit(0)
        answers.send({"walls": dataclasses.asdict(standing)})
        serve(answers)
    except BaseException:
        import traceback

        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        os._exit(0)
