"""Whether each column alone is distributed as in held-out rows, and how its cells lie."""

import math
from collections.abc import Sequence

import numpy as np

from tfp_flows.tables.checking.flips import TOLERANCE, Flips
from tfp_flows.tables.checking.subject import Compared
from tfp_flows.tables.checking.verdict import Measure
from tfp_flows.tables.vectors import Quantiles
from tfp_flows.vi.uniformity import Uniformity

_TAILS = (0.005, 0.01, 0.02, 0.035)
_SHARES = np.concatenate([_TAILS, np.linspace(0.05, 0.95, 37), 1 - np.array(_TAILS)[::-1]])
_RANKS = 1_000
_NAMED = 3


def below(held: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Differences ``[rows, places]`` of whether numbers lie below places, quantiles of both."""
    places = np.unique(np.quantile(np.concatenate([held, drawn]), _SHARES, method="lower"))
    return (held[:, None] <= places).astype(np.float32) - (drawn[:, None] <= places)


def distance(column: Compared) -> float:
    """Kolmogorov and Smirnov's distance of numbers, total variation of classes."""
    if column.classes:
        counts = [np.bincount(c.astype(int), minlength=len(column.classes)) for c in _sides(column)]
        return float(0.5 * np.abs(counts[0] / counts[0].sum() - counts[1] / counts[1].sum()).sum())
    both = np.sort(np.concatenate(_sides(column)))
    shares = [np.searchsorted(np.sort(c), both, side="right") / len(c) for c in _sides(column)]
    return float(np.abs(shares[0] - shares[1]).max())


def marginals(columns: Sequence[Compared], flips: Flips, alpha: float) -> Measure:
    """Each column of samples beside that of held-out rows.

    Of numbers distribution functions are compared at quantiles from 0.5 to 99.5 %, of classes their
    shares; the largest difference in standard errors is judged (`flips`). Distances are those of
    Kolmogorov and Smirnov, and total variation.
    """
    own = [column for column in columns if not column.given]
    parts = [_of_classes(c) if c.classes else below(c.held, c.drawn) for c in own]
    judged = flips.judge(np.concatenate(parts, axis=1), alpha)
    starts = np.cumsum([0, *(part.shape[1] for part in parts)])
    p_values, distances = judged.p_values(), [distance(column) for column in own]
    table, places = {}, {}
    for column, start, stop, far in zip(own, starts[:-1], starts[1:], distances, strict=True):
        at = start + int(np.argmax(judged.found[start:stop]))
        places[column.name] = at - start
        errors, p_value = float(judged.found[at]), float(p_values[at])
        table[column.name] = {"distance": far, "standard_errors": errors, "p_value": p_value}
    wrong = sorted(
        (c for c in own if table[c.name]["standard_errors"] > judged.threshold),
        key=lambda c: -table[c.name]["standard_errors"],
    )
    sentences = [_sentence(c, table[c.name]["distance"], places[c.name]) for c in wrong[:_NAMED]]
    if len(wrong) > _NAMED:
        names = ", ".join(repr(c.name) for c in wrong[_NAMED:])
        sentences.append(f"The distributions of {names} differ too.")
    farthest = max(distances)
    return Measure(
        "marginals",
        "each column alone",
        judged.worst,
        judged.threshold,
        "standard errors",
        float(p_values.min()),
        not wrong,
        (judged.worst / judged.threshold) ** 2,
        tuple(sentences)
        or (f"Each column is distributed as it is (distances to {farthest:.2g}).",),
        {"columns": table, "wrong": [c.name for c in wrong]},
    )


def uniform(quantiles: Quantiles, alpha: float, alone: bool, seed: int) -> tuple[Measure, dict]:
    """Whether cells are where their distributions say, and the numbers of which that was judged.

    Args:
        quantiles: Of held-out cells.
        alpha: Probability of a false alarm.
        alone: Whether cells were taken alone.
        seed: Of the places of classes and intervals between their ends.

    Returns:
        The measure, and by column the probability integral transforms ``[rows]``.
    """
    generator = np.random.default_rng(seed)
    place = quantiles.low + generator.random(quantiles.low.shape) * (quantiles.high - quantiles.low)
    shares, table, known = {}, {}, {}
    for name, column in zip(quantiles.names, place.T, strict=True):
        u = np.clip(column[np.isfinite(column)], 0, 1)
        if len(u) < 2:
            continue
        if len(u) not in known:
            known[len(u)] = Uniformity(len(u), _RANKS - 1)
        ranks = np.minimum((u * _RANKS).astype(int), _RANKS - 1)
        shares[name], table[name] = (
            u,
            {"p_value": known[len(u)].p_value(ranks, TOLERANCE), "mean": u.mean()},
        )
    for row in table.values():
        row["p_value"] = min(1.0, row["p_value"] * len(table))
    wrong = sorted(
        (n for n in table if table[n]["p_value"] < alpha), key=lambda n: table[n]["p_value"]
    )
    sentences = [
        f"{name!r}{'' if alone else ', given the columns before it'}: {_fault(shares[name])}"
        for name in wrong
    ]
    least = min((row["p_value"] for row in table.values()), default=1.0)
    title = "cells in their distributions, alone" if alone else "cells given those before them"
    measure = Measure(
        "pit_alone" if alone else "pit_given",
        title,
        least,
        alpha,
        "(p-value)",
        least,
        not wrong,
        math.log(max(least, 1e-300)) / math.log(alpha),
        tuple(sentences) or ("Held-out cells lie where their distributions say.",),
        {"columns": table, "wrong": wrong},
    )
    return measure, shares


def _sides(column: Compared) -> tuple[np.ndarray, np.ndarray]:
    return column.held, column.drawn


def _of_classes(column: Compared) -> np.ndarray:
    codes = np.arange(len(column.classes))
    held, drawn = (side[:, None] == codes for side in _sides(column))
    return held.astype(np.float32) - drawn


def _sentence(column: Compared, far: float, at: int) -> str:
    held, drawn = _sides(column)
    if column.classes:
        of = [100 * (side == at).mean() for side in (held, drawn)]
        return (
            f"{column.name!r}: {column.classes[at]!r} is in {of[0]:.3g} % of the held-out rows and "
            f"in {of[1]:.3g} % of the samples (total variation {far:.2g})."
        )
    places = np.unique(np.quantile(np.concatenate([held, drawn]), _SHARES, method="lower"))
    of = [100 * (side <= places[at]).mean() for side in (held, drawn)]
    word = "below"
    if of[0] > 50:
        of, word = [100 - share for share in of], "above"
    return (
        f"{column.name!r}: {of[0]:.3g} % of the held-out rows and {of[1]:.3g} % of the samples lie "
        f"{word} {places[at]:.4g} (distance of distributions {far:.2g})."
    )


def _fault(u: np.ndarray) -> str:
    """What is wrong with numbers that should be uniform, by what stands out most."""
    count = len(u)
    low, high = (u < 0.02).mean(), (u > 0.98).mean()
    middle = (np.abs(u - 0.5) < 0.25).mean()
    found = {
        # Where it explains the tails, it is the simpler sentence.
        f"held-out values lie too {'high' if u.mean() > 0.5 else 'low'} in its distribution (at "
        f"{100 * u.mean():.3g} % of it on average, not at 50)": (
            1.5 * abs(u.mean() - 0.5) * math.sqrt(12 * count)
        ),
        f"{100 * high:.3g} % of the held-out values lie in the upper 2 % of its distribution": (
            _errors(high, 0.02, count)
        ),
        f"{100 * low:.3g} % of the held-out values lie in the lower 2 % of its distribution": (
            _errors(low, 0.02, count)
        ),
        f"its distribution is too {'wide' if middle > 0.5 else 'narrow'} ({100 * middle:.3g} % of "
        "the held-out values lie in its middle half)": _errors(middle, 0.5, count),
    }
    sentence, size = max(found.items(), key=lambda item: item[1])
    return f"{sentence if size > 3 else 'its distribution has another shape'}."


def _errors(share: float, expected: float, count: int) -> float:
    """The root of the deviance of a share, in standard errors where it is near."""
    pairs = ((share, expected), (1 - share, 1 - expected))
    deviance = sum(found * math.log(found / p) for found, p in pairs if found > 0)
    return math.sqrt(max(2 * count * deviance, 0.0))
