"""Several models of the same data by their log-evidences, or by what they predict."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfp_flows.errors import InputError
from tfp_flows.vi import psis
from tfp_flows.vi.loo import Loo, summed
from tfp_flows.vi.posterior import Posterior


def compare(posteriors: Mapping[str, Posterior] | Mapping[str, Loo]) -> pd.DataFrame:
    """Models of the same data, best first, by log-evidence or leave-one-out densities.

    With improper priors (`Flat`) an evidence has a constant of its own, and comparisons mean
    something only between models that share these priors.

    Args:
        posteriors: By name, each with its model, or what `Posterior.loo` of each returned; that
            all saw the same data is up to the caller.

    Returns:
        A row a model. Of posteriors: ``log_evidence`` and ``standard_error`` in nats,
        ``difference`` to the best and its ``difference_error``, ``probability`` under equal prior
        weights, ``k_hat``, and ``trusted``, whether that allows to trust the row. Of leave-one-out
        densities: ``elpd`` and ``standard_error``, ``difference`` and its ``difference_error``,
        which is that of the differences row by row, ``parameters``, ``k_hat`` of the worst row,
        and ``trusted``.

    Raises:
        InputError: If there are fewer than two, of both sorts, or of other numbers of rows.
    """
    if len(posteriors) < 2:
        raise InputError(f"A comparison needs at least two posteriors, got {len(posteriors)}.")
    predicted = [isinstance(each, Loo) for each in posteriors.values()]
    if any(predicted):
        if not all(predicted):
            raise InputError(
                "Compare posteriors, or leave-one-out densities, not one with another."
            )
        return _by_prediction(posteriors)
    found = {name: each.log_evidence for name, each in posteriors.items()}
    order = sorted(found, key=lambda name: -found[name].value)
    best = found[order[0]]
    weights = np.exp([found[name].value - best.value for name in order])
    rows = {}
    for name, weight in zip(order, weights / weights.sum(), strict=True):
        value, error = found[name]
        first = name == order[0]
        rows[name] = {
            "log_evidence": value,
            "standard_error": error,
            "difference": value - best.value,
            "difference_error": 0.0 if first else math.hypot(error, best.standard_error),
            "probability": weight,
            "k_hat": posteriors[name].k_hat,
            "trusted": posteriors[name].k_hat <= psis.GOOD,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _by_prediction(found: Mapping[str, Loo]) -> pd.DataFrame:
    counts = {name: len(each.rows) for name, each in found.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} has {count:,}" for name, count in counts.items())
        raise InputError(f"Models of the same rows can be compared, not of others: {told}.")
    order = sorted(found, key=lambda name: -found[name].elpd.value)
    best = found[order[0]].rows["elpd"].to_numpy()
    rows = {}
    for name in order:
        each = found[name]
        difference, error = summed(each.rows["elpd"].to_numpy() - best)
        rows[name] = {
            "elpd": each.elpd.value,
            "standard_error": each.elpd.standard_error,
            "difference": difference,
            "difference_error": error,
            "parameters": each.parameters,
            "k_hat": each.rows["k_hat"].max(),
            "trusted": each.good,
        }
    return pd.DataFrame.from_dict(rows, orient="index")
