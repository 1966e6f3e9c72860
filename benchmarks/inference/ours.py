"""The package's own: the flow that it chooses, and a full-rank Gaussian by the same code."""

from collections.abc import Mapping
from typing import Any

from tfp_flows import vi
from tfp_flows.vi.steps import STEPS

BATCH, MOST_STEPS, DRAWS = 256, 100_000, 20_000


def flow(joint, observed: Mapping[str, Any], job: Mapping[str, Any]):
    """The flow that ``"auto"`` chooses."""
    return _fitted("auto", joint, observed, job)


def full_rank(joint, observed: Mapping[str, Any], job: Mapping[str, Any]):
    """A Gaussian in unconstrained coordinates."""
    return _fitted("full_rank", joint, observed, job)


def _fitted(name: str, joint, observed, job):
    posterior = vi.fit(
        joint,
        observed,
        flow=name,
        minutes=job["minutes"],
        steps=MOST_STEPS,
        draws=BATCH,
        seed=job["seed"],
        verbose=False,
    )
    figures = {
        "flow": posterior.name,
        "k_hat": posterior.k_hat,
        "good": bool(posterior.good),
        "steps": STEPS * len(posterior.history["elbo"]),
        "draws": BATCH,
    }
    draws = posterior.draws(DRAWS, seed=job["seed"] + 1)
    resampled = posterior.by_name(posterior.importance_resample(DRAWS, seed=job["seed"] + 1))
    return draws, resampled, figures
