"""What densities say: coverage of dense regions, rows without density, overfit, copied rows."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from tfp_flows.tables.checking.flips import Flips
from tfp_flows.tables.checking.marginals import below
from tfp_flows.tables.checking.verdict import Measure

_LEVELS = (0.5, 0.8, 0.95)
_MOST_IMPOSSIBLE = 0.01
# Of the log-densities of both parts at each end, so that a few rows do not rule a mean.
_CLIPPED = 0.005
# Nats by which training rows may be likelier, beside chance.
_OVERFIT = 0.1


def coverage(held: np.ndarray, drawn: np.ndarray, flips: Flips, alpha: float) -> Measure:
    """The shares of held-out rows in the densest regions that hold 50, 80 and 95 % of samples.

    Log-densities of held-out rows are compared with those of samples at all quantiles.

    Args:
        held: Log-densities ``[rows]`` of held-out rows, in nats.
        drawn: Log-densities ``[rows]`` of samples.
        flips: Judges.
        alpha: Probability of a false alarm.
    """
    lowest = min(side[np.isfinite(side)].min(initial=0.0) for side in (held, drawn)) - 1
    held, drawn = (np.where(np.isfinite(side), side, lowest) for side in (held, drawn))
    judged = flips.judge(below(held, drawn), alpha)
    shares = {f"{100 * p:.0f}": float((held >= np.quantile(drawn, 1 - p)).mean()) for p in _LEVELS}
    ok = judged.worst <= judged.threshold
    texts = ", ".join(f"{100 * share:.1f} for {level} %" for level, share in shares.items())
    first = "The densest regions hold as many held-out rows as samples"
    if not ok:
        few = sum(shares.values()) < sum(_LEVELS)
        first = f"The densest regions hold too {'few' if few else 'many'} held-out rows"
    return Measure(
        "coverage",
        "coverage of the densest regions",
        judged.worst,
        judged.threshold,
        "standard errors",
        float(judged.p_values().min()),
        ok,
        (judged.worst / judged.threshold) ** 2,
        (f"{first}: {texts}.",),
        {"levels": shares},
    )


def possible(scores: np.ndarray, columns: Sequence[str]) -> Measure:
    """The share of held-out rows that the model holds impossible.

    Args:
        scores: Log-densities of held-out rows, ``[rows, columns]`` or ``[rows, 1]``.
        columns: Names of the columns; none if scores are of whole rows.
    """
    where = scores == -np.inf
    share = float(where.any(axis=1).mean())
    names = [name for name, bad in zip(columns, where.any(axis=0), strict=False) if bad]
    of = f", by their values of {', '.join(map(repr, names[:5]))}" if names else ""
    ok = share <= _MOST_IMPOSSIBLE
    sentence = "All held-out rows have a density."
    if share > 0:
        count = int(where.any(axis=1).sum())
        sentence = f"{count:,} of {len(scores):,} held-out rows are impossible for the model{of}."
    return Measure(
        "possible",
        "held-out rows without density",
        share,
        _MOST_IMPOSSIBLE,
        "of the rows",
        None,
        ok,
        share / _MOST_IMPOSSIBLE,
        (sentence,),
        {"columns": names},
    )


def overfit(train: np.ndarray, held: np.ndarray, alpha: float) -> Measure:
    """Whether training rows are likelier than held-out ones.

    Args:
        train: Log-densities ``[rows]`` in nats of training rows.
        held: Those of held-out rows.
        alpha: Probability of a false alarm.
    """
    finite = np.concatenate([side[np.isfinite(side)] for side in (train, held)])
    edges = np.quantile(finite, [_CLIPPED, 1 - _CLIPPED]) if len(finite) else [0.0, 0.0]
    train, held = (np.clip(side, *edges) for side in (train, held))
    error = math.sqrt(train.var(ddof=1) / len(train) + held.var(ddof=1) / len(held))
    more = float(train.mean() - held.mean())
    threshold = error * NormalDist().inv_cdf(1 - alpha) + _OVERFIT
    p_value = 1 - NormalDist().cdf((more - _OVERFIT) / error) if error > 0 else 1.0
    ok = more <= threshold
    sentence = f"Training rows are {more:.2g} nats likelier than held-out ones"
    tail = (
        " (a difference that chance can make)." if ok else ": learned by heart, or of another law."
    )
    return Measure(
        "overfit",
        "training rows likelier by",
        more,
        threshold,
        "nats",
        p_value,
        ok,
        max(more / threshold, 0.0) ** 2,
        (sentence + tail,),
        {"standard_error": error},
    )


def copies(
    train: np.ndarray, held: np.ndarray, drawn: np.ndarray, flips: Flips, alpha: float
) -> Measure:
    """The share of samples that are training rows, beside the share of held-out rows that are.

    Args:
        train: Training rows ``[n, columns]``, numbers or codes; not a number at a gap, which is
            equal to a gap alone.
        held: Held-out rows ``[rows, columns]``.
        drawn: Samples ``[rows, columns]``.
        flips: Judges.
        alpha: Probability of a false alarm.
    """
    whole = np.concatenate([held, drawn, train]).astype(np.float64)
    # A float32 of the same number is the same.
    step = 1e-5 * np.maximum(np.nanstd(whole, axis=0), 1e-12)
    steps = np.round((whole - np.nanmean(whole, axis=0)) / step)
    whole = np.nan_to_num(steps, nan=-(2.0**62)).astype(np.int64)
    number = np.unique(whole, axis=0, return_inverse=True)[1].ravel()
    at = len(held)
    seen = number[2 * at :]
    is_copy = [np.isin(part, seen) for part in (number[:at], number[at : 2 * at])]
    of_held, of_drawn = (float(part.mean()) for part in is_copy)
    judged = flips.judge(
        (is_copy[1].astype(np.float32) - is_copy[0])[:, None], alpha, signed=True, tolerance=0.0
    )
    ok = judged.worst <= max(judged.threshold, 0.0)
    return Measure(
        "copies",
        "samples that are training rows",
        of_drawn,
        of_held,
        "of the held-out rows",
        float(judged.p_values()[0]),
        ok,
        (max(judged.worst, 0.0) / judged.threshold) ** 2 if judged.threshold > 0 else 0.0,
        (
            f"{100 * of_drawn:.3g} % of the samples are copies of training rows, and "
            f"{100 * of_held:.3g} % of the held-out rows are.",
        ),
        {"held_out": of_held, "samples": of_drawn},
    )
