"""One model on one file, in a process of its own: ``python -m benchmarks.density.worker FOLDER``.

`launch` starts it. The folder holds ``job.json`` and receives ``result.json`` and, row by row, the
log-densities of the test part, ``scores.npy``.
"""

import dataclasses
import importlib
import importlib.metadata
import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.density.budget import Budget
from benchmarks.density.data import Task, load, standardised
from benchmarks.density.recipes import MODELS, Recipe
from tfp_flows import held_out
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
        The result and the log-densities of the test rows; see `benchmarks.isolated.launch`.
    """
    values = dataclasses.asdict(job)
    return isolated.launch(
        "benchmarks.density.worker", values, MODELS[job.model].needs, job.threads
    )


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


def likelihood(scores: np.ndarray, task: Task, part: str) -> dict[str, Any]:
    """Mean log-density of a part, its standard error and spread, and bits per dimension for images.

    Args:
        scores: Log-densities ``[rows]`` in the units of the task's values, in nats.
        task: The data.
        part: Name of the part.

    Returns:
        ``mean_nats``, ``standard_error_nats``, the figures of `held_out.spread`, ``remark``, a
        sentence or None, and, for images, ``bits_per_dim``, with the density per grey level, and
        ``bits_standard_error``.
    """
    scores = scores.astype(np.float64)
    nats, error = _mean(scores)
    result = {"mean_nats": nats, "standard_error_nats": error, **held_out.spread(scores)}
    result["remark"] = held_out.remark(scores)
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


def _run(values: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    recipe = Recipe(**values["recipe"] | {"hidden": tuple(values["recipe"]["hidden"])})
    return run(Job(**values | {"recipe": recipe}))


if __name__ == "__main__":
    isolated.serve(_run)
