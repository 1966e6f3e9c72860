"""One way to one posterior, in a process of its own."""

import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.inference import models
from benchmarks.inference.posteriors import Posterior, errors
from benchmarks.inference.ways import WAYS


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Goes the way, in this process.

    Args:
        job: ``path`` of the posterior, ``way``, ``minutes``, ``seed``, ``threads``; ``steps`` and
            ``draws``, how many steps of how many draws the flow took, for its peers.

    Returns:
        What `errors` says of the draws, and of the resampled ones where there are such, with
        ``seconds`` and ``processor_seconds``, compilation and draws included; and nothing.
    """
    posterior = Posterior.read(Path(job["path"]))
    module = models.find(posterior.name)
    joint, observed = module.model(posterior.data)
    way = import_module(f"benchmarks.inference.{WAYS[job['way']][0]}")
    begun, worked = time.perf_counter(), time.process_time()
    draws, resampled, figures = getattr(way, job["way"])(joint, observed, job)
    result = {"status": "ok", "seconds": time.perf_counter() - begun, **figures}
    result["processor_seconds"] = time.process_time() - worked
    result |= errors(posterior, module, draws)
    if resampled is not None:
        result["resampled"] = errors(posterior, module, resampled)
    return result, np.zeros(0)


if __name__ == "__main__":
    isolated.serve(run)
