"""Marginal densities of several samples of the same quantities, and of importance weights."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    NOTE_COLOUR,
    finish_panels,
    finite_rows,
    new_figure,
    robust_limits,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS, _ACROSS = 50, 4
_LOOKS = (
    {"color": MODEL_COLOUR, "linewidth": 1.5},
    {"color": NOTE_COLOUR, "linewidth": 1.0, "linestyle": "--"},
    {"color": DATA_COLOUR, "linewidth": 1.0},
)


def plot_marginals(
    samples: Mapping[str, np.ndarray],
    *,
    columns: Sequence[str],
    max_columns: int = 12,
    title: str | None = None,
) -> "Figure":
    """Draws the densities of each column of several samples over each other, as histograms.

    Args:
        samples: By name tables ``[rows, columns]``, three at most; the first says the limits, which
            leave out its outermost 0.2 % on each side.
        columns: One name for each column.
        max_columns: How many columns to draw at most, the first ones; the figure says so.
        title: Title of the figure.

    Returns:
        A figure with one panel for each drawn column.

    Raises:
        InputError: Shapes or names that do not match, no finite row, or too many samples.
    """
    if not 1 <= len(samples) <= len(_LOOKS):
        raise InputError(f"plot_marginals draws 1 to {len(_LOOKS)} samples, got {len(samples)}.")
    tables = {
        name: finite_rows(table, f"samples {name!r}", columns=len(columns))
        for name, table in samples.items()
    }
    names = list(columns)[:max_columns]
    across = min(len(names), _ACROSS)
    down = math.ceil(len(names) / across)
    figure = new_figure(max(2.3 * across, 4.6), 1.9 * down + 0.9, title)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    first = next(iter(tables.values()))
    for place, (axes, name) in enumerate(zip(grid, names, strict=False)):
        limits = robust_limits(first[:, place])
        edges = np.linspace(*limits, _BINS + 1)
        for (label, table), look in zip(tables.items(), _LOOKS, strict=False):
            # Over all rows: mass outside of the limits must not look like mass.
            heights = np.histogram(table[:, place], edges)[0] / (len(table) * np.diff(edges))
            axes.stairs(heights, edges, baseline=None, label=label, **look)
        axes.set(xlim=limits, yticks=[], ylim=(0, None))
        axes.set_xlabel(name, fontsize=9)
        axes.spines[["top", "left", "right"]].set_visible(False)
        tidy(axes)
    finish_panels(figure, grid, len(names), len(columns))
    return figure


def plot_weights(
    log_weights: np.ndarray, smoothed: np.ndarray, k_hat: float, *, title: str | None = None
) -> "Figure":
    """Draws importance weights from the largest down, and what a Pareto tail makes of the largest.

    Args:
        log_weights: ``[n]`` in nats, up to a constant; those that are not finite count as no
            weight.
        smoothed: The same, with the tail replaced by quantiles of the Pareto distribution that was
            fitted to it.
        k_hat: The shape of the tail: above 0.7 a few draws carry the weight of all.
        title: Title of the figure.

    Raises:
        InputError: If no weight is finite.
    """
    if not np.isfinite(log_weights).any():
        raise InputError("None of the log-weights is finite; there is nothing to plot.")
    order = np.argsort(log_weights)[::-1]
    top = log_weights[order[0]]
    weights = np.exp(np.nan_to_num(log_weights[order] - top, nan=-np.inf, neginf=-np.inf))
    unit = len(weights) / weights.sum()
    rank = np.arange(1, len(weights) + 1)
    figure = new_figure(5.6, 3.8, title)
    axes = figure.subplots()
    axes.loglog(rank, unit * weights, color=MODEL_COLOUR, label="draws")
    changed = smoothed[order] != log_weights[order]
    if changed.any():
        tail = unit * np.exp(smoothed[order][changed] - top)
        label = f"Pareto tail, k-hat {k_hat:.2f}"
        axes.loglog(rank[changed], tail, color=DATA_COLOUR, linestyle="--", label=label)
    # The lowest weights count for nothing, and would take most of the picture.
    low = unit * np.quantile(weights, 0.02)
    axes.set(xlabel="rank of the draw", ylabel="weight, 1 on average", xlim=(1, None))
    axes.set_ylim(bottom=max(low / 2, 1e-6))
    axes.legend(fontsize=8, frameon=False)
    tidy(axes)
    return figure
