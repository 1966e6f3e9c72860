"""Whether columns depend on each other as they do in held-out rows."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tfp_flows.tables.checking.flips import Flips
from tfp_flows.tables.checking.subject import Compared
from tfp_flows.tables.checking.verdict import Measure

# Features at most, and rows of each sample that a class needs to be one.
_MOST, _ROWS = 64, 20
_NAMED = 3


class Found(NamedTuple):
    """The measure, the columns that were compared, and their associations ``[2, k, k]``."""

    measure: Measure | None
    names: list[str]
    associations: np.ndarray


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Normal quantiles of ranks ``[n]``, ties at their middle, with mean 0 and mean square 1."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(values)
    normal = NormalDist()
    return _standard(np.array([normal.inv_cdf(share) for share in middle])[inverse])


def dependence(columns: Sequence[Compared], flips: Flips, alpha: float) -> Found:
    """Correlations of each two columns in samples beside those in held-out rows.

    Numbers and ordered classes are compared by normal scores of their ranks within each sample, so
    that a wrong column alone does not show here; other classes by whether a row is of the class.
    The difference of two correlations is that of the means of ``ab - r (a² + b²) / 2``, whose
    rows can be exchanged.
    """
    features = [f for column in columns for f in _features(column)][:_MOST]
    names = list(dict.fromkeys(f.column for f in features))
    a = np.stack([f.scores for f in features]) if features else np.zeros([0, 2, 0])
    i, j = np.triu_indices(len(features), 1)
    own = np.array([f.column for f in features])
    given = {column.name for column in columns if column.given}
    between = own[i] != own[j] if len(features) else np.zeros(0, bool)
    between &= np.array([not {own[x], own[y]} <= given for x, y in zip(i, j, strict=True)], bool)
    i, j = i[between], j[between]
    if len(i) == 0:
        return Found(None, names, np.zeros([2, len(names), len(names)]))
    every = np.einsum("fsn,gsn->sfg", a, a) / a.shape[-1]
    r = every[:, i, j]
    pooled = r.mean(axis=0)[:, None]
    terms = [a[i, s] * a[j, s] - pooled * (a[i, s] ** 2 + a[j, s] ** 2) / 2 for s in (0, 1)]
    judged = flips.judge((terms[0] - terms[1]).T, alpha)
    errors = np.sqrt((terms[0].var(axis=1) + terms[1].var(axis=1)) / a.shape[-1])
    table, seen = [], set()
    for k in np.argsort(-judged.found, kind="stable"):
        pair = (str(own[i[k]]), str(own[j[k]]))
        if pair in seen:
            continue
        seen.add(pair)
        row = {"columns": pair, "of": [features[i[k]].label, features[j[k]].label]}
        row |= {"held_out": r[0, k], "samples": r[1, k], "standard_error": errors[k]}
        table.append(row | {"standard_errors": judged.found[k]})
    wrong = [row for row in table if row["standard_errors"] > judged.threshold]
    p_value = float(judged.p_values().min())
    measure = Measure(
        "dependence",
        "correlation of each two columns",
        judged.worst,
        judged.threshold,
        "standard errors",
        p_value,
        not wrong,
        (judged.worst / judged.threshold) ** 2,
        _sentences(wrong) or ("Columns depend on each other as they do.",),
        {"pairs": table[:50], "wrong": [row["columns"] for row in wrong]},
    )
    return Found(measure, names, _by_column(every, own, names))


class _Feature(NamedTuple):
    """A row of numbers for each sample ``[2, n]`` that stand for a column or a class of it."""

    column: str
    label: str
    scores: np.ndarray


def _features(column: Compared) -> list[_Feature]:
    sides = (column.held, column.drawn)
    if not column.classes or column.ordered or len(column.classes) == 2:
        if any(len(np.unique(side)) < 2 for side in sides):
            return []
        label = repr(column.name)
        if len(column.classes) == 2:
            label = f"{column.name!r} being {column.classes[1]!r}"
        return [_Feature(column.name, label, np.stack([normal_scores(side) for side in sides]))]
    features = []
    counts = np.stack([np.bincount(s.astype(int), minlength=len(column.classes)) for s in sides])
    rare = np.minimum(counts, len(column.held) - counts).min(axis=0)
    for code in np.argsort(-rare, kind="stable")[:8]:
        if rare[code] >= _ROWS:
            scores = np.stack([_standard((side == code).astype(float)) for side in sides])
            label = f"{column.name!r} being {column.classes[code]!r}"
            features.append(_Feature(column.name, label, scores))
    return features


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def _sentences(wrong: list[dict]) -> tuple[str, ...]:
    """The worst pairs; or one column of which all of them are."""
    if not wrong:
        return ()
    shared = set.intersection(*(set(row["columns"]) for row in wrong))
    more = ""
    if len(wrong) > _NAMED:
        more = f"; further pairs that differ: {len(wrong) - _NAMED}"
        more += f", all with {sorted(shared)[0]!r}" if shared else ""
    shown = "; ".join(
        f"{' and '.join(row['of'])}: {row['held_out']:.2f} in held-out rows, "
        f"{row['samples']:.2f} in samples"
        for row in wrong[:_NAMED]
    )
    return (f"Correlations differ: {shown}{more}.",)


def _by_column(every: np.ndarray, own: np.ndarray, names: list[str]) -> np.ndarray:
    """Of each two columns the association ``[2, k, k]`` of the features that differ most."""
    result = np.zeros([2, len(names), len(names)])
    for x, first in enumerate(names):
        for y, second in enumerate(names):
            block = every[:, own == first][:, :, own == second].reshape(2, -1)
            result[:, x, y] = block[:, np.argmax(np.abs(block[0] - block[1]))]
    return result
