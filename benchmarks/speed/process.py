"""The worker processes, seen from the command."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


class WorkerError(Exception):
    """A worker could not do what it was told.

    Attributes:
        traceback: Where it failed, or the end of what it wrote before it died.
    """

    def __init__(self, reason: str, trace: str = ""):
        super().__init__(reason)
        self.traceback = trace


class TimeLimitError(WorkerError):
    """A worker did not answer in time; it has been killed."""


def environment(threads: int, scratch: str | None = None) -> dict[str, str]:
    """The environment of workers: no accelerator, a bound on threads, no notices.

    Args:
        threads: Threads of each worker.
        scratch: Where compilers may cache, so that no process finds another's results.
    """
    count = str(threads)
    variables = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        # The size of XLA's pool of threads in JAX.
        "NPROC": count,
        "TORCHINDUCTOR_COMPILE_THREADS": count,
    }
    variables.pop("TF_USE_LEGACY_KERAS", None)
    if scratch:
        variables["TORCHINDUCTOR_CACHE_DIR"] = scratch
    return variables


class Process:
    """One worker process.

    Args:
        interpreter: The Python to run it with.
        threads: Its threads.
    """

    def __init__(self, interpreter: str, threads: int):
        self._scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._errors = Path(self._scratch.name, "stderr")
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [interpreter, "-m", "benchmarks.speed.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(threads, self._scratch.name),
                # A group of its own, so that compilers it started end with it.
                start_new_session=True,
            )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def ask(self, command: str, limit: float, **arguments) -> dict:
        """Sends a command and waits for its answer.

        Raises:
            TimeLimitError: If there is none after ``limit`` seconds.
            WorkerError: If the worker reports a failure or dies.
        """
        try:
            print(
                json.dumps({"command": command, **arguments}), file=self._process.stdin, flush=True
            )
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            self.close()
            raise TimeLimitError(f"> {limit:g} s") from None
        except BrokenPipeError:
            line = ""
        if not line:
            trace = self._errors.read_text(errors="replace")[-4000:]
            raise WorkerError(f"the process ended with status {self._process.wait()}", trace)
        answer = json.loads(line)
        if "failed" in answer:
            raise WorkerError(answer["failed"], answer["traceback"])
        return answer

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Processor time that the worker has used so far; 0 when it has ended."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()
        self._scratch.cleanup()
