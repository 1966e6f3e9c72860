"""A posterior in words, draws as tables and as the data of ArviZ."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tfp_flows.errors import InputError
from tfp_flows.vi import psis
from tfp_flows.vi.estimate import Estimate
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.weights import measures


def table(parts: Parts, structure: Any, more: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Mean, sd, 5 and 95 % points and the error of the mean of each element.

    Args:
        parts: Names and shapes.
        structure: Draws, leaves ``[..., *shape]``.
        more: Further columns: of each part by name an array of its shape. Of ``ess``, the effective
            number of draws, errors are made; without it draws are independent.

    Returns:
        A row an element.
    """
    leaves = parts.leaves(structure)
    draws = {
        name: np.asarray(leaf).reshape(-1, *part.shape)
        for name, leaf, part in zip(parts.names, leaves, parts.parts, strict=True)
    }
    rows = {}
    for element, name, place in parts.elements():
        values = draws[name][(slice(None), *place)].astype(np.float64)
        own = {column: float(by_part[name][place]) for column, by_part in (more or {}).items()}
        sd = values.std(ddof=1)
        rows[element] = {
            "mean": values.mean(),
            "sd": sd,
            "q05": np.quantile(values, 0.05),
            "q95": np.quantile(values, 0.95),
            "mcse": sd / math.sqrt(own.get("ess", len(values))),
            **own,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def inference_data(draws: Mapping[str, np.ndarray]):
    """ArviZ' data of draws ``[chains, draws, *shape]`` by name.

    Raises:
        InputError: If ArviZ is missing.
    """
    return need_arviz().from_dict(posterior=dict(draws))


def need_arviz():
    """ArviZ.

    Raises:
        InputError: If it is missing.
    """
    try:
        import arviz
    except ImportError as error:
        raise InputError('This needs ArviZ; pip install "tfp-flows[vi]".') from error
    return arviz


def facts(posterior) -> dict[str, Any]:
    """What is known of a `Posterior` as JSON values, None where they are not finite."""
    weighed = measures(posterior.log_weights)
    bound, error = posterior.iwae
    return {
        "flow": posterior.name,
        "why": posterior.why,
        "coordinates": posterior.parts.dim,
        "parts": list(posterior.names),
        "seconds": posterior.seconds,
        **weighed,
        "start_bound": _finite(posterior.start_bound),
        "iwae": _finite(bound),
        "iwae_standard_error": _finite(error),
        "k_hat": _finite(posterior.k_hat),
        "verdict": psis.words(posterior.k_hat, len(posterior.log_weights)),
        "good": posterior.good,
    }


def lines(told: Mapping[str, Any]) -> list[str]:
    """What `facts` returned, in words."""
    count, start = told["draws"], ""
    if told["start_bound"] is not None:  # an amortised posterior began at no Gaussian
        start = f"; of the Gaussian at the start {told['start_bound']:.3f}"
    result = [
        f"{told['flow']} ({told['why']}) of {told['coordinates']} coordinates: "
        f"{', '.join(told['parts'])}; {told['seconds']:.0f} s.",
        f"ELBO {_pair(told['bound_nats'], told['bound_standard_error'])}{start}.",
        f"Importance-weighted bound {_pair(told['iwae'], told['iwae_standard_error'])}.",
        "Log-evidence by importance weights "
        f"{_pair(told['log_normaliser'], told['log_normaliser_standard_error'])}.",
        f"Effective sample size {100 * told['effective_share']:.1f} % of {count:,} draws.",
        f"{'Good' if told['good'] else 'Not good'}: {told['verdict']}",
    ]
    if told["draws_not_finite"]:
        lost = 100 * told["draws_not_finite"] / count
        result.append(f"The model's log-density is no number at {lost:.2g} % of the draws.")
    if not told["good"]:
        result.append(
            "Fit longer, with more draws, another flow or other coordinates of the model (a "
            "non-centred hierarchy), or run chains through the flow (posterior.neutra(), tfp-flows "
            "chains)."
        )
    return result


def _pair(value: float | None, error: float | None) -> str:
    return str(
        Estimate(*(math.inf * sign if x is None else x for x, sign in ((value, -1), (error, 1))))
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
