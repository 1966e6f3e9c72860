"""One model on one file, in a process of its own: ``python -m benchmarks.density.worker FOLDER``.

`launch` starts it. The folder holds ``job.json`` and receives ``result.json`` and, row by row, the
log-densities of the test part, ``scores.npy``.
"""

import dataclasses
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.density.budget import Budget
from benchmarks.density.data import Task, load, standardised
from benchmarks.density.recipes import MODELS, Recipe
from tfp_flows.errors import InputError


@dataclasses.dataclass(frozen=True)
class Job:
    """What one process is to do.

    Attributes:
        path: The file.
        kind: Kind of the data.
        model: A key of `MODELS`.
        recipe: Architecture and optimiser.
        minutes: Wall-clock time for training.
        seed: Seed of data, weights and order of rows.
        threads: Number of threads.
    """

    path: str
    kind: str
    model: str
    recipe: Recipe
    minutes: float
    seed: int
    threads: int


def launch(job: Job) -> tuple[dict[str, Any], np.ndarray | None]:
    """Runs a job in a new process and waits for it.

    Returns:
        The result, whose ``status`` is ``"ok"``, ``"not installed"`` or ``"failed"``, with a
        ``message`` unless it is ok, and the log-densities of the test rows, None unless ok.
    """
    missing = [name for name in MODELS[job.model].needs if find_spec(name) is None]
    if missing:
        return {"status": "not installed", "message": f"pip install {' '.join(missing)}"}, None
    with tempfile.TemporaryDirectory(prefix="density-") as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(dataclasses.asdict(job)), encoding="utf-8")
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.density.worker", name],
            env=os.environ | _environment(job.threads),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        if process.returncode:
            lines = process.stderr.strip().splitlines() or [f"exit status {process.returncode}"]
            return {"status": "failed", "message": lines[-1][:300]}, None
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return result, np.load(folder / "scores.npy")


def _environment(threads: int) -> dict[str, str]:
    """Threads of every library; no accelerator, which would not be equal for all."""
    pools = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    tensorflow = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return {name: str(threads) for name in pools + tensorflow} | quiet


def run(job: Job) -> tuple[dict[str, Any], np.ndarray]:
    """Trains and measures, in this process.

    Raises:
        InputError: If no validation was finite, or the model cannot be fitted to the rows.
    """
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    task = load(Path(job.path), job.kind, seed=job.seed)
    parts, log_det = standardised(task.splits)
    model = MODELS[job.model]
    backend = importlib.import_module(f"benchmarks.density.{model.backend}")
    budget = Budget(60 * job.minutes, job.recipe.learning_rate)
    trained = backend.train(model, job.recipe, parts, budget, seed=job.seed, threads=job.threads)
    if not np.isfinite(budget.best):
        raise InputError("training diverged: no validation log-likelihood was finite")
    validation, test = (trained.log_density(part) + log_det for part in parts[1:])
    measures = budget.summary()
    batch = min(job.recipe.batch_size, len(parts.train))
    result = {
        "status": "ok",
        "test": likelihood(test, task, "test"),
        "validation": likelihood(validation, task, "validation"),
        "parameters": trained.parameters,
        "epochs": measures["steps"] * batch / len(parts.train),
        **measures,
        **trained.details,
        "history": [[*when, value + log_det] for *when, value in budget.history],
        "load_before": load_before,
        "versions": {name: _version(name) for name in model.needs},
    }
    return result, test.astype(np.float64)


def likelihood(scores: np.ndarray, task: Task, part: str) -> dict[str, float]:
    """Mean log-density of a part, its standard error, and bits per dimension for images.

    Args:
        scores: Log-densities ``[rows]`` in the units of the task's values, in nats.
        task: The data.
        part: Name of the part.

    Returns:
        ``mean_nats``, ``standard_error_nats`` and, for images, ``bits_per_dim``, with the density
        per grey level, and ``bits_standard_error``.
    """
    scores = scores.astype(np.float64)
    nats, error = _mean(scores)
    result = {"mean_nats": nats, "standard_error_nats": error}
    if task.pixel_log_det is not None:
        per_grey_level = scores + getattr(task.pixel_log_det, part)
        bits, error = _mean(-per_grey_level / (task.size * np.log(2)))
        result |= {"bits_per_dim": bits, "bits_standard_error": error}
    return result


def _mean(values: np.ndarray) -> tuple[float, float]:
    """The mean and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _version(package: str) -> str:
    return importlib.metadata.version(package.replace("_", "-"))


def main() -> None:
    """Does the job of the folder that is named on the command line."""
    folder = Path(sys.argv[1])
    values = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    values["recipe"]["hidden"] = tuple(values["recipe"]["hidden"])
    job = Job(**values | {"recipe": Recipe(**values["recipe"])})
    if hasattr(os, "sched_setaffinity"):
        # Some thread pools count the processors instead of reading a setting.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.threads])
    try:
        result, scores = run(job)
    except InputError as error:
        sys.exit(str(error))
    np.save(folder / "scores.npy", scores)
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
