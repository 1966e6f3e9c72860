"""One flow on the toys, in a process of its own."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

import tfp_flows as tff
from benchmarks import isolated
from benchmarks.density.budget import Budget
from benchmarks.density.ours import WithinBudget
from benchmarks.toys.flows import FLOWS
from tfp_flows import datasets

TRAINING, VALIDATION, TEST = 50_000, 2_000, 10_000
BATCH, LEARNING_RATE = 250, 5e-3


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Trains and measures, in this process.

    Args:
        job: ``flow``, ``toys``, ``seconds``, ``seed``, ``threads``.

    Returns:
        For each toy the mean log-likelihood of its test draws, and their KL divergence with its
        standard error where the exact density is known; and nothing.
    """
    name, options = FLOWS[job["flow"]]
    results, parameters = {}, 0
    for toy in job["toys"]:
        tf.keras.utils.set_random_seed(job["seed"])
        count = TRAINING + VALIDATION + TEST
        draws = datasets.toy(toy, count, seed=job["seed"])
        training, validation, test = np.split(draws, [TRAINING, TRAINING + VALIDATION])
        flow = getattr(tff.flows, name)(
            event_shape=2, seed=job["seed"], standardize=True, **options
        )
        parameters = sum(math.prod(v.shape) for v in flow.trainable_variables)
        model = tff.FlowModel(flow)
        model.compile(tf.keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=5.0))
        budget = Budget(job["seconds"], LEARNING_RATE)
        model.fit(
            training,
            batch_size=BATCH,
            epochs=10**9,
            callbacks=[WithinBudget(budget, validation, VALIDATION)],
            verbose=0,
        )
        scores = model.predict(test, batch_size=VALIDATION, verbose=0).astype(np.float64)
        results[toy] = {"log_likelihood": float(scores.mean()), **budget.summary()}
        exact = exact_log_prob(toy, test)
        if exact is not None:
            gaps = exact - scores
            results[toy] |= {
                "kl": float(gaps.mean()),
                "standard_error": float(gaps.std(ddof=1) / math.sqrt(len(gaps))),
            }
    return {"status": "ok", "toys": results, "parameters": parameters}, np.zeros(0)


def exact_log_prob(toy: str, points: np.ndarray) -> np.ndarray | None:
    """Exact log-densities in nats, or None for a toy without."""
    if toy in datasets.POTENTIALS:
        return datasets.potential_log_prob(toy, points.astype(np.float64)).numpy()
    known = {
        "checkerboard": datasets.checkerboard_log_prob,
        "eight_gaussians": datasets.eight_gaussians_log_prob,
    }
    return known[toy](points) if toy in known else None


if __name__ == "__main__":
    isolated.serve(run)
