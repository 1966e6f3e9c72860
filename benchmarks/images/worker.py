"""One model on one file, in a process of its own: ``python -m benchmarks.images.worker FOLDER``."""

import importlib
import importlib.metadata
import math
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.density.budget import Budget
from benchmarks.images.data import load
from benchmarks.images.models import MODELS, WARM_UP, Recipe
from tfp_flows.errors import InputError


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Trains and measures, in this process.

    Args:
        job: ``path``, ``model``, ``recipe``, ``minutes``, ``seed``, ``threads``.

    Returns:
        The result, and the bits per dimension of each test image.

    Raises:
        InputError: If no validation was finite, or the images cannot be read.
    """
    images = load(job["path"], job["seed"])
    model, recipe = MODELS[job["model"]], Recipe(**job["recipe"])
    backend = importlib.import_module(f"benchmarks.images.{model.backend}")
    budget = Budget(60 * job["minutes"], recipe.learning_rate, warm_up=WARM_UP)
    trained = backend.train(recipe, images.pixels, budget, seed=job["seed"], threads=job["threads"])
    if not np.isfinite(budget.best):
        raise InputError("training diverged: no validation log-likelihood was finite")
    memory = isolated.peak_memory()
    scale = -math.log(2) * math.prod(images.shape)
    bits = trained.log_density(images.pixels.test).astype(np.float64) / scale
    measures = budget.summary()
    rate = measures["steps_per_second"]
    result = {
        "status": "ok",
        "bits_per_dim": float(bits.mean()),
        "standard_error_bits": float(bits.std(ddof=1) / math.sqrt(len(bits))),
        "images_per_second": None if rate is None else rate * recipe.batch_size,
        "epochs": measures["steps"] * recipe.batch_size / images.sizes.train,
        "peak_memory_gib": memory,
        "parameters": trained.parameters,
        **measures,
        **trained.details,
        "history": [[*when, value / scale] for *when, value in budget.history],
        "versions": {name: _version(name) for name in model.needs},
    }
    return result, bits


def _version(package: str) -> str:
    return importlib.metadata.version(package.replace("_", "-"))


if __name__ == "__main__":
    isolated.serve(run)
