"""Pareto-smoothed importance sampling: how heavy the tail of importance weights is.

Source: Vehtari, Simpson, Gelman, Yao and Gabry 2024, JMLR 25(72), arXiv:1507.02646; the fit of the
tail is that of Zhang and Stephens 2009, Technometrics 51(3), with the prior of the former.
"""

import math

import numpy as np

from tfp_flows.errors import InputError

# Fewer draws in the tail say nothing of it.
_SMALLEST_TAIL = 5
# The prior on the shape: as much as so many draws of this shape.
_PRIOR_DRAWS, _PRIOR_SHAPE = 10, 0.5
GOOD = 0.7


def tail_length(count: int) -> int:
    """How many of the largest weights count as the tail."""
    return math.ceil(min(0.2 * count, 3 * math.sqrt(count)))


def check_count(count: int) -> None:
    """Raises an `InputError` if so many draws are too few for k-hat."""
    if tail_length(count) < _SMALLEST_TAIL:
        raise InputError(
            f"{count} draws are too few for k-hat, which looks at the {tail_length(count)} largest "
            "weights; use at least 25, better thousands."
        )


def fit_tail(excesses: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, from draws of it.

    A posterior mean under a prior that depends on the data, by quadrature (Zhang and Stephens
    2009); the shape is drawn a little towards 0.5 where draws are few.

    Args:
        excesses: ``[n]``, positive.

    Returns:
        Shape ``k`` (of a density with tail ``x ** (-1 / k - 1)``), and scale.
    """
    x = np.sort(np.asarray(excesses, np.float64))
    n = len(x)
    nodes = 30 + int(math.sqrt(n))
    j = np.arange(1, nodes + 1)
    theta = 1 / x[-1] + (1 - np.sqrt(nodes / (j - 0.5))) / (3 * x[int(n / 4 + 0.5) - 1])
    shapes = np.log1p(-theta[:, None] * x).mean(axis=1)
    profile = n * (np.log(-theta / shapes) - shapes - 1)
    weights = np.exp(profile - profile.max())
    mean = (theta * weights).sum() / weights.sum()
    k = np.log1p(-mean * x).mean()
    scale = -k / mean
    k = (n * k + _PRIOR_DRAWS * _PRIOR_SHAPE) / (n + _PRIOR_DRAWS)
    return float(k), float(scale)


def smoothed(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Log-weights whose tail is replaced by quantiles of the Pareto distribution fitted to it.

    Args:
        log_weights: ``[n]`` in nats, up to a constant; those that are no number count as zero
            weights.

    Returns:
        The smoothed log-weights ``[n]``, none larger than the largest given, and k-hat: below 0.7
        estimates by these weights can be trusted; minus infinity where the largest weights are all
        alike.

    Raises:
        InputError: If there are too few draws to tell.
    """
    log_weights = np.asarray(log_weights, np.float64)
    finite = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    count, length = len(finite), tail_length(len(finite))
    check_count(count)
    top = finite.max()
    if not math.isfinite(top):
        return finite, math.inf
    order = np.argsort(finite, kind="stable")
    tail, below = order[-length:], finite[order[-length - 1]]
    cut = math.exp(below - top) if math.isfinite(below) else 0.0
    excesses = np.exp(finite[tail] - top) - cut
    if excesses[-1] < 1e-10:
        return finite, -math.inf
    if (excesses <= 0).any():  # ties at the cut, or weights of zero
        excesses = np.maximum(excesses, excesses[-1] * 1e-12)
    k, scale = fit_tail(excesses)
    result = finite.copy()
    if math.isfinite(k):
        places = (np.arange(length) + 0.5) / length
        stretch = -np.log1p(-places) if abs(k) < 1e-12 else np.expm1(-k * np.log1p(-places)) / k
        result[tail] = np.minimum(top + np.log(cut + scale * stretch), top)
    return result, k


def threshold(count: int) -> float:
    """The k-hat above which so many draws do not suffice, 0.7 at most."""
    return min(1 - 1 / math.log10(count), GOOD)


def words(k: float, count: int) -> str:
    """What a k-hat of so many draws means, in a sentence."""
    if k == -math.inf:
        return "the importance weights are all alike: the flow is the posterior."
    if k <= threshold(count):
        return f"k-hat {k:.2f} is good: weights correct what the flow misses."
    if k <= GOOD:
        return f"k-hat {k:.2f} wants more than {count:,} draws for weights that can be trusted."
    if k <= 1:
        return (
            f"k-hat {k:.2f} is above 0.7: the posterior has tails, or a part, that the flow hardly "
            "reaches, and neither its moments nor the weights can be trusted."
        )
    return (
        f"k-hat {k:.2f} is above 1: the posterior has tails, or a part, that the flow does not "
        "reach; the weights have not even a mean."
    )
