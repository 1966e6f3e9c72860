"""Figures of held-out rows that a single row cannot rule unseen."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def spread(log_densities: np.ndarray, rows: np.ndarray | None = None) -> dict[str, Any]:
    """What stands beside a mean log-density: the median, and what the worst row does to the mean.

    Args:
        log_densities: ``[rows]``, in nats.
        rows: ``[rows]``, their numbers in the file, counted from 1, if they are of one.

    Returns:
        ``median_nats``; ``worst_row``, counted from 0 among them, with ``rows`` its number in the
        file, ``worst_row_of_file``, and ``worst_nats``; and, with two rows or more,
        ``mean_without_worst_nats`` and ``worst_share_nats``, by how much that row moves the mean.
        None where a figure is not finite.
    """
    values = np.asarray(log_densities, np.float64)
    # Not a number is the worst that a row can be.
    ordered = np.where(np.isnan(values), -np.inf, values)
    row = int(np.argmin(ordered))
    result = {"median_nats": np.median(ordered), "worst_nats": ordered[row]}
    if len(values) > 1:
        without = np.delete(ordered, row).mean()
        result["mean_without_worst_nats"] = without
        result["worst_share_nats"] = ordered.mean() - without
    finite = {name: float(v) if math.isfinite(v) else None for name, v in result.items()}
    place = {} if rows is None else {"worst_row_of_file": int(rows[row])}
    return {"worst_row": row, **place, **finite}


def in_words(found: Mapping[str, Any]) -> str:
    """A line with the figures of `spread`."""
    share = found.get("worst_share_nats")
    moved = "" if share is None else f", moves the mean by {share:,.3g}"
    of_file = found.get("worst_row_of_file")
    row = (
        f"number {found['worst_row']} (from 0)" if of_file is None else f"row {of_file} of the file"
    )
    return (
        f"Median {_figure(found['median_nats'])}; the worst of them, {row}, with "
        f"{_figure(found['worst_nats'])} nats{moved}."
    )


def _figure(value: float | None) -> str:
    return "not finite" if value is None else f"{value:,.4g}"


def remark(log_densities: np.ndarray, rows: np.ndarray | None = None) -> str | None:
    """A sentence where one row carries the mean; None elsewhere.

    A row does so if it moves the mean by more than two standard errors of the mean of the others.

    Args:
        log_densities: ``[rows]``, in nats.
        rows: As of `spread`.
    """
    values = np.asarray(log_densities, np.float64)
    found = spread(values)
    row, others = found["worst_row"], np.delete(values, found["worst_row"])
    if len(others) < 2 or not np.isfinite(others).all():
        return None
    error = others.std(ddof=1) / math.sqrt(len(others))
    if abs(values.mean() - others.mean()) <= 2 * error:
        return None
    count = f"the {len(values):,} held-out rows"
    which = f"Number {row} (from 0) of {count}"
    if rows is not None:
        which = f"Row {rows[row]} of the file, one of {count},"
    return (
        f"{which} carries the mean: with its {values[row]:,.6g} nats the mean is "
        f"{values.mean():,.6g}, without it {others.mean():,.6g}; the median is "
        f"{np.median(values):,.6g}."
    )
