"""Mixed tables drawn from a law that is known, with the log-density of each row in nats."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    import pandas as pd

Drawn = tuple["pd.DataFrame", np.ndarray]


def orders(rows: int, seed: int) -> Drawn:
    """Five columns: a group, a number by group, a count, an amount that is often 0, two branches.

    Args:
        rows: Number of rows.
        seed: Seed.

    Returns:
        The table and the log-density ``[rows]`` of each row.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    group = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    law = np.log(np.array([0.5, 0.3, 0.2])[group])
    size = stats.norm(np.array([-1.0, 0.0, 2.0])[group], np.array([0.5, 1.0, 0.7])[group])
    x = size.rvs(rows, random_state=rng)
    law += size.logpdf(x)
    count = stats.poisson(np.exp(0.5 * x + 1))
    items = count.rvs(rows, random_state=rng)
    law += count.logpmf(items)
    nothing = 0.6 / (1 + np.exp(-x))
    amount = stats.gamma(2.0, scale=np.where(group == 1, 2.0, 1.0))
    is_nothing = rng.uniform(size=rows) < nothing
    paid = amount.rvs(rows, random_state=rng)
    law += np.where(is_nothing, np.log(nothing), np.log1p(-nothing) + amount.logpdf(paid))
    branches = stats.norm(np.sin(x), 0.1), stats.norm(3 - np.sin(x), 0.3)
    first = rng.uniform(size=rows) < 0.4
    branch = np.where(first, *(b.rvs(rows, random_state=rng) for b in branches))
    law += np.logaddexp(
        np.log(0.4) + branches[0].logpdf(branch), np.log(0.6) + branches[1].logpdf(branch)
    )
    table = {"group": np.array(["a", "b", "c"])[group], "x": x, "items": items}
    table |= {"paid": np.where(is_nothing, 0.0, paid), "branch": branch}
    return pd.DataFrame(table), law


def rides(rows: int, seed: int) -> Drawn:
    """Five columns: an hour, a kind, a share, a length rounded to 0.1, a price that is its curve.

    Args:
        rows: Number of rows.
        seed: Seed.

    Returns:
        The table and the log-density ``[rows]`` of each row.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    busy = 1 + 3 * np.exp(-0.5 * (hours - 8) ** 2) + 2 * np.exp(-0.1 * (hours - 18) ** 2)
    busy /= busy.sum()
    hour = rng.choice(24, rows, p=busy)
    law = np.log(busy[hour])
    by_day = (hour > 6) & (hour < 20)
    kinds = np.where(by_day[:, None], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1])
    kind = (rng.uniform(size=(rows, 1)) > np.cumsum(kinds, axis=1)[:, :2]).sum(axis=1)
    law += np.log(kinds[np.arange(rows), kind])
    load = stats.beta(np.array([1.0, 2.0, 5.0])[kind], 2.0)
    share = load.rvs(rows, random_state=rng)
    law += load.logpdf(share)
    length = stats.lognorm(0.6, scale=np.exp(0.5 + 0.5 * kind))
    tenths = np.round(10 * length.rvs(rows, random_state=rng))
    ends = [length.cdf(np.maximum(tenths + d, 0) / 10) for d in (-0.5, 0.5)]
    law += np.log(np.maximum(ends[1] - ends[0], 1e-300)) - np.log(0.1)
    price = stats.norm(2 + 1.5 * np.sqrt(tenths) + share, 0.2 + 0.1 * kind)
    paid = price.rvs(rows, random_state=rng)
    law += price.logpdf(paid)
    table = {"hour": hour, "kind": np.array(["taxi", "tram", "bus"])[kind], "share": share}
    table |= {"length": np.round(tenths / 10, 1), "price": paid}
    return pd.DataFrame(table), law


def clinic(rows: int, seed: int) -> Drawn:
    """Five columns with gaps: an age, a grade, two markers, an outcome; a marker often missing.

    Cells are missing at random given the age, which is always there; the log-density is that of
    what is there.

    Args:
        rows: Number of rows.
        seed: Seed.

    Returns:
        The table and the log-density ``[rows]`` of each row.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    old = stats.binom(80, 0.55)
    age = old.rvs(rows, random_state=rng) + 10
    law = old.logpmf(age - 10)
    z = (age - 54) / 5
    grades = 1 / (1 + np.exp(-(np.array([-1.0, 1.0]) - z[:, None])))
    grade = (rng.uniform(size=(rows, 1)) > grades).sum(axis=1)
    shares = np.diff(grades, prepend=0, append=1, axis=1)
    of_grade = np.log(shares[np.arange(rows), grade])
    # Two markers that are normal together given the age, so that either alone has a law too.
    scale, both = 0.5 + 0.2 * np.tanh(z), 0.8
    noise = rng.standard_normal((rows, 2))
    first = z + scale * noise[:, 0]
    second = -z + 2 * (both * noise[:, 0] + np.sqrt(1 - both**2) * noise[:, 1])
    lone = stats.norm(z, scale), stats.norm(-z, 2.0)
    given = stats.norm(-z + 2 * both * (first - z) / scale, 2 * np.sqrt(1 - both**2))
    gaps = rng.uniform(size=(rows, 3)) < np.stack(
        [0.3 / (1 + np.exp(z)), 0 * z + 0.2, 0 * z + 0.1], 1
    )
    law += np.where(gaps[:, 2], 0, of_grade)
    law += np.where(gaps[:, 0], 0, lone[0].logpdf(first))
    law += np.where(
        gaps[:, 1], 0, np.where(gaps[:, 0], lone[1].logpdf(second), given.logpdf(second))
    )
    ill = 0.1 + 0.8 / (1 + np.exp(-2 * z))
    outcome = rng.uniform(size=rows) < ill
    law += np.log(np.where(outcome, ill, 1 - ill))
    table = {"age": age, "grade": pd.Series(grade).where(~gaps[:, 2])}
    table |= {"first": np.where(gaps[:, 0], np.nan, first)}
    table |= {"second": np.where(gaps[:, 1], np.nan, second)}
    table |= {"outcome": np.where(outcome, "ill", "well")}
    return pd.DataFrame(table), law


LAWS: Mapping[str, Callable[[int, int], Drawn]] = MappingProxyType(
    {"orders": orders, "rides": rides, "clinic": clinic}
)
"""Generators by name."""
