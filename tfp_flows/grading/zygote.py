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
from tfp_flows.grading.isolation import Isolation, bubblewrap_command

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from confined.zygote import main; main()"
_START_SECONDS = 180
_LONGEST_REPLY = 1 << 16


class NoWalls(Exception):
    """The walls that were asked for cannot be put up here."""


class Zygote:
    """A process that has TensorFlow loaded and forks the runs of submissions.

    Args:
        keras: The Keras that it loads, "tf_keras" or "keras".
        isolation: The walls around each run.

    Raises:
        NoWalls: It does not start inside of them.
    """

    def __init__(self, keras: str, isolation: Isolation):
        self.keras, self.isolation = keras, isolation
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = _environment(keras)
        settings = json.dumps({"keras": keras, "paths": visible.package_paths()})
        command = [sys.executable, "-I", "-c", _START, os.path.dirname(visible.CONFINED), settings]
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
            self.versions = json.loads(self._control.recv(_LONGEST_REPLY))["ready"]
        except (OSError, ValueError, KeyError) as error:
            log = self.log()
            self.close()
            raise NoWalls(log) from error

    def log(self) -> str:
        """The last of what it has written."""
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace").strip()

    def submit(self, job: dict[str, Any], descriptors: list[int]) -> None:
        """Has it fork a run, which gets the descriptors."""
        with self._lock:
            try:
                socket.send_fds(self._control, [json.dumps(job).encode()], descriptors)
            except OSError as error:
                raise NoWalls("the process that starts the runs is gone") from error

    def close(self) -> None:
        """Ends it, and all that it has started."""
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
