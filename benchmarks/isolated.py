"""Jobs in processes of their own, each with a folder for what goes in and what comes out."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows.errors import InputError


def launch(
    module: str,
    job: dict[str, Any],
    needs: Sequence[str],
    threads: int,
    *,
    accelerator: bool = False,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Runs a job in a new process and waits for it.

    Args:
        module: What ``python -m`` starts; it calls `serve`.
        job: What it is to do, as JSON values.
        needs: The packages that it imports.
        threads: Number of threads.
        accelerator: Whether it may see one.

    Returns:
        The result, whose ``status`` is ``"ok"``, ``"not installed"`` or ``"failed"``, with a
        ``message`` unless it is ok, and the scores, None unless ok.
    """
    missing = [name for name in needs if find_spec(name) is None]
    if missing:
        return {"status": "not installed", "message": f"pip install {' '.join(missing)}"}, None
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        written = json.dumps({**job, "threads": threads})
        (folder / "job.json").write_text(written, encoding="utf-8")
        process = subprocess.run(
            [sys.executable, "-m", module, name],
            env=os.environ | _environment(threads, accelerator),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        if process.returncode < 0:
            reason = f"killed by signal {-process.returncode}"
            reason += "; memory may have run out" if process.returncode == -9 else ""
            return {"status": "failed", "message": reason}, None
        if process.returncode:
            lines = process.stderr.strip().splitlines() or [f"exit status {process.returncode}"]
            return {"status": "failed", "message": lines[-1][:300]}, None
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return result, np.load(folder / "scores.npy")


def _environment(threads: int, accelerator: bool) -> dict[str, str]:
    """Threads of every library; by default no accelerator, which would not be equal for all."""
    pools = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    tensorflow = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if not accelerator:
        quiet["CUDA_VISIBLE_DEVICES"] = "-1"
    return {name: str(threads) for name in pools + tensorflow} | quiet


def peak_memory() -> float:
    """The most memory that this process has had until now, in GiB."""
    # In kilobytes, except on macOS.
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def serve(run: Callable[[dict[str, Any]], tuple[dict[str, Any], np.ndarray]]) -> None:
    """Does the job of the folder that is named on the command line.

    Args:
        run: Maps what `launch` was given, with ``threads``, to the result and the scores.
    """
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    if hasattr(os, "sched_setaffinity"):
        # Some thread pools count the processors instead of reading a setting.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["threads"]])
    try:
        result, scores = run(job)
    except InputError as error:
        sys.exit(str(error))
    np.save(folder / "scores.npy", scores)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
