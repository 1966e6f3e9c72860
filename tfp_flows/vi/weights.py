"""What importance weights say: bounds, the log-normaliser, the effective sample size."""

import math
from typing import Any

import numpy as np


def measures(log_weights: np.ndarray) -> dict[str, Any]:
    """Measures of a flow from the log-weights of its draws, with standard errors.

    The bound is the mean of the log-weights ``log w``, and below the log-normaliser on average.
    The estimate of that is the logarithm of the mean of ``w``; its error is that of the mean
    divided by the mean (delta method). The effective share of the draws is ``(sum w)^2 / (n sum
    w^2)`` (Kong 1992). Weights that are not a number count as 0.

    Args:
        log_weights: ``[n]`` in nats.

    Returns:
        JSON values, None where they are not finite.
    """
    count = len(log_weights)
    weights, top = relative(log_weights)
    error = log_weights.std(ddof=1) / math.sqrt(count) if np.isfinite(log_weights).all() else None
    total = weights.sum()
    share = float(total**2 / (count * (weights**2).sum())) if total > 0 else 0.0
    values = {
        "bound_nats": log_weights.mean() if error is not None else None,
        "bound_standard_error": error,
        "log_normaliser": top + math.log(total / count) if total > 0 else None,
        "log_normaliser_standard_error": math.sqrt((1 / share - 1) / count) if share else None,
        "effective_share": share,
        "heaviest_share": float(weights.max() / total) if total > 0 else None,
        "draws": count,
        "draws_not_finite": int((~np.isfinite(log_weights)).sum()),
    }
    return {k: float(v) if isinstance(v, np.floating) else v for k, v in values.items()}


def relative(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights over the largest of them, and the logarithm of that one."""
    log_weights = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    top = float(log_weights.max())
    if not math.isfinite(top):
        return np.zeros_like(log_weights), 0.0
    return np.exp(log_weights - top), top


def iwae(log_weights: np.ndarray, group: int) -> tuple[float, float]:
    """The importance-weighted bound of groups of draws, with its standard error.

    Source: Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519.

    Args:
        log_weights: ``[n]`` in nats; what is left of whole groups is left out.
        group: Draws of each estimate; all of them if there are fewer than two groups.

    Returns:
        The bound in nats, and its error, infinite for one group.
    """
    group = group if len(log_weights) >= 2 * group else len(log_weights)
    whole = log_weights[: len(log_weights) // group * group].reshape(-1, group)
    finite = np.where(np.isfinite(whole), whole, -np.inf)
    top = finite.max(axis=1, keepdims=True)
    if not np.isfinite(top).all():
        return -math.inf, math.inf
    bounds = top[:, 0] + np.log(np.exp(finite - top).mean(axis=1))
    error = bounds.std(ddof=1) / math.sqrt(len(bounds)) if len(bounds) > 1 else math.inf
    return float(bounds.mean()), float(error)


def resampled(log_weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Places ``[count]`` drawn in proportion to weights, systematically, in random order.

    Args:
        log_weights: ``[n]`` in nats, up to a constant.
        count: Number of places.
        seed: Of the draw.
    """
    weights, _ = relative(log_weights)
    generator = np.random.default_rng(seed)
    steps = (np.arange(count) + generator.uniform()) / count
    cumulative = np.cumsum(weights) / weights.sum()
    places = np.minimum(np.searchsorted(cumulative, steps), len(weights) - 1)
    return generator.permutation(places)
