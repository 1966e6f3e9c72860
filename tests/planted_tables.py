"""A table whose law is known, and models of it with planted faults."""

import math

import numpy as np
import pandas as pd

_AB, _BC = 0.7, 0.5
CUT = 1.645
"""Above it lie 5 % of column ``a``, which are cut where the tail is."""


def rows(n: int, seed: int, fault: str | None = None) -> pd.DataFrame:
    """Two normal columns, a positive one, a category and a count, each depending on others.

    Args:
        n: Number of rows.
        seed: Seed.
        fault: ``"shuffled"``, column ``b`` is that of other rows; ``"cut"``, no row with ``a``
            above `CUT`.
    """
    generator = np.random.default_rng([seed, 77])
    z = generator.standard_normal([n, 3])
    if fault == "cut":
        while (above := z[:, 0] > CUT).any():
            z[above, 0] = generator.standard_normal(above.sum())
    b = _AB * z[:, 0] + math.sqrt(1 - _AB**2) * z[:, 1]
    c = _BC * b + math.sqrt(1 - _BC**2) * z[:, 2]
    yes = generator.random(n) < 1 / (1 + np.exp(-2 * c))
    count = generator.poisson(3 + 2 * yes)
    if fault == "shuffled":
        b = generator.permutation(b)
    kind = np.where(yes, "yes", "no")
    return pd.DataFrame({"a": z[:, 0], "b": b, "c": np.exp(c), "kind": kind, "count": count})


class Planted:
    """A model of `rows`, right but for a fault."""

    def __init__(self, fault: str | None = None):
        self.fault = fault

    def sample(self, n, *, seed=0):
        return rows(n, seed, self.fault)

    def log_prob(self, frame):
        a, b, c = (frame[name].to_numpy() for name in "abc")
        c, yes, count = np.log(c), frame["kind"] == "yes", frame["count"].to_numpy()
        slope = 0.0 if self.fault == "shuffled" else _AB
        result = _normal(a, 0, 1) + _normal(b, slope * a, math.sqrt(1 - slope**2))
        result += _normal(c, _BC * b, math.sqrt(1 - _BC**2)) - c
        result += np.where(yes, -np.log1p(np.exp(-2 * c)), -np.log1p(np.exp(2 * c)))
        rate = 3 + 2 * yes
        result += count * np.log(rate) - rate - np.array([math.lgamma(k + 1) for k in count])
        if self.fault == "cut":
            result = np.where(a > CUT, -np.inf, result - math.log(0.95))
        return np.asarray(result)


def with_gaps(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The frame with gaps in ``b``, more where ``a`` is positive, and some in ``kind``."""
    generator, frame = np.random.default_rng([seed, 78]), frame.copy()
    frame.loc[generator.random(len(frame)) < 0.15 * (1 + (frame["a"] > 0)), "b"] = np.nan
    frame.loc[generator.random(len(frame)) < 0.1, "kind"] = None
    return frame


def _normal(x, mean, deviation):
    scaled = (x - mean) / deviation
    return -0.5 * scaled**2 - math.log(deviation) - 0.5 * math.log(2 * math.pi)
