"""Probabilities of regions of a table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tfp_flows.errors import InputError
from tfp_flows.tables.conditions import checked_given, order_of
from tfp_flows.tables.laws import Law, asked
from tfp_flows.tables.model import TableModel
from tfp_flows.tables.region_text import Condition, parse_region


class Probability(NamedTuple):
    """A probability.

    Attributes:
        value: Of the region.
        standard_error: 0 where it is exact.
        how: How it was found, in words.
    """

    value: float
    standard_error: float
    how: str


def probability(
    model: TableModel,
    where: str | Sequence[Condition],
    given: Mapping[str, Any] | None = None,
    *,
    n: int = 10_000,
    seed: int = 0,
) -> Probability:
    """The probability of a region, given any columns.

    Single values that have a probability (``species == 'Adelie'``, ``year == 2008``) are taken out
    as factors, one given the other. If what is left is about one column, its law gives the rest,
    and the result is exact within the model; else rows are sampled given the single values.

    Args:
        model: The model.
        where: The region, as `region_text.parse_region` reads it: ``age > 30 and sex == 'male'``.
        given: Values of other columns, by name.
        n: Number of samples, where they are needed.
        seed: Of the samples.

    Raises:
        InputError: If the region cannot be read, a name is unknown, or a value is none of its
            column.
    """
    if n < 1:
        raise InputError(f"A probability is asked for from {n} samples; give 1 or more.")
    conditions = parse_region(model.schema, where) if isinstance(where, str) else list(where)
    by_column: dict[str, list[Condition]] = {}
    for condition in conditions:
        asked(model, condition.column.name, given)
        by_column.setdefault(condition.column.name, []).append(condition)
    known, factor = checked_given(model.schema, given), 1.0
    for name, own in list(by_column.items()):
        if len(own) == 1 and own[0].op == "in" and len(own[0].values) == 1:
            factor *= region_of(Law(model, name, known), own)
            if factor == 0:
                return Probability(0.0, 0.0, "exact within the model")
            known[name] = own[0].values[0]
            del by_column[name]
    if len(by_column) <= 1:
        for name, own in by_column.items():
            factor *= region_of(Law(model, name, known), own)
        return Probability(float(factor), 0.0, "exact within the model")
    frame = model.sample(n, known or None, seed=seed)
    inside = np.all([c.holds(frame) for own in by_column.values() for c in own], axis=0)
    # With one more row inside and one outside, or no error would be told where all are alike.
    share = (inside.sum() + 1) / (n + 2)
    error = math.sqrt(share * (1 - share) / n)
    return Probability(float(factor * inside.mean()), float(factor * error), f"{n:,} samples")


def region_of(law: Law, conditions: Sequence[Condition]) -> float:
    """The probability under a law that all conditions on its column hold."""
    column = law.column
    if law.has_classes:
        values = pd.DataFrame({column.name: pd.Series(list(column.values), dtype=object)})
        return float(law.shares[np.all([c.holds(values) for c in conditions], axis=0)].sum())
    listed = [c for c in conditions if c.op == "in"]
    single = [_numbers(c) for c in listed or conditions if c.op in ("in", "!=")]
    points = np.unique(np.concatenate(single)) if single else np.zeros(0)
    others = [c for c in conditions if c.op != "!="] if not listed else conditions
    points = points[np.all([c.compared(points) for c in others], axis=0)] if others else points
    if listed:
        return float(law.mass(points).sum())
    below, above = 1.0, 0.0
    for condition in others:
        x = _numbers(condition)
        at, jump = law.cdf(x)[0], law.mass(x)[0]
        if condition.op[0] == "<":
            below = min(below, at - jump * (condition.op == "<"))
        else:
            above = max(above, at - jump * (condition.op == ">="))
    return float(max(0.0, below - above - law.mass(points).sum()))


def _numbers(condition: Condition) -> np.ndarray:
    return order_of(condition.column, condition.values)
