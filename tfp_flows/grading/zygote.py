"""The trusted end of the process that has TensorFlow loaded and forks the runs of submissions."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.grading import visible
from tfp_flows.grading.isolation import Isolation, bubblewrap_command, common_settings

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from confined.zygote import main; main()"
_START_SECONDS = 180
_LONGEST_REPLY = 1 << 16
_CHUNK = 1 << 15


class NoWalls(Exception):
    """The walls that were asked for cannot be put up here."""


class Stalled(Exception):
    """Something did not start, or is gone, which tells nothing about the walls."""


class Zygote:
    """A process that has TensorFlow loaded and forks the runs of submissions.

    It ends with the last of its users after `retire`, because in a sandbox of its own it would
    take the runs along.

    Args:
        keras: The Keras that it loads, "tf_keras" or "keras".
        isolation: The walls around each run.

    Raises:
        NoWalls: It does not start inside of them.
        Stalled: It takes too long to start.
    """

    def __init__(self, keras: str, isolation: Isolation):
        self.keras, self.isolation = keras, isolation
        self._lock = threading.Lock()
        self._users, self._retired = 0, False
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = _environment(keras)
        command = [sys.executable, "-I", "-c", _START, os.path.dirname(visible.CONFINED)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [*bubblewrap_command(isolation, environment), *command],
                stdin=theirs,
                stdout=self._log,
                stderr=self._log,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        finally:
            theirs.close()
        self._control.settimeout(_START_SECONDS)
        try:
            self._tell(common_settings(isolation) | {"keras": keras})
            self.versions = json.loads(self._control.recv(_LONGEST_REPLY))["ready"]
        except TimeoutError:
            self._close()
            raise Stalled(f"TensorFlow was not loaded in {_START_SECONDS} seconds") from None
        except (OSError, ValueError, KeyError) as error:
            log = self.log()
            self._close()
            raise NoWalls(log) from error

    def log(self) -> str:
        """The last of what it has written."""
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace").strip()

    def _tell(self, settings: dict[str, Any]) -> None:
        """Sends what is the same for all runs; it may be longer than one message."""
        text = json.dumps(settings).encode()
        for start in range(0, len(text), _CHUNK):
            self._control.send(text[start : start + _CHUNK])
        self._control.send(b"end")

    def submit(self, job: dict[str, Any], descriptors: list[int]) -> None:
        """Has it fork a run, which gets the descriptors.

        Raises:
            Stalled: It is gone.
        """
        with self._lock:
            try:
                socket.send_fds(self._control, [json.dumps(job).encode()], descriptors)
            except OSError as error:
                raise Stalled("the process that starts the runs is gone") from error

    def hold(self) -> None:
        """Counts one more user."""
        with self._lock:
            self._users += 1

    def release(self) -> None:
        """Counts one user less."""
        with self._lock:
            self._users -= 1
            over = self._retired and self._users == 0
        if over:
            self._close()

    def retire(self) -> None:
        """Ends it, and all that it has started, when its last user has released it."""
        with self._lock:
            over = not self._retired and self._users == 0
            self._retired = True
        if over:
            self._close()

    def _close(self) -> None:
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def _environment(keras: str) -> dict[str, str]:
    """All that a confined process sees of the environment: nothing of this one but the language."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": "1" if keras == "tf_keras" else "0",
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": "/dev/null",  # else Keras reads its settings there, or writes them
        "MPLBACKEND": "Agg",
        "HDF5_USE_FILE_LOCKING": "FALSE",  # locks are refused
        "MPLCONFIGDIR": "/tmp",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONHASHSEED": "0",
    }


def check_platform() -> None:
    """Refuses systems that lack what the walls are built of.

    Raises:
        InputError: This is such a system.
    """
    if sys.platform != "linux":
        raise InputError(f"Grading needs Linux, and this is {sys.platform}; use a container.")
