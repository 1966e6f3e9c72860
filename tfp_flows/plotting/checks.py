"""A page on whether a model of a table is right."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    NOTE_COLOUR,
    new_figure,
    robust_limits,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS, _BINS, _CELLS, _MOST_CLASSES, _LONGEST = 4, 40, 20, 12, 22


def plot_check(verdict: Any, *, max_columns: int = 8, title: str | None = None) -> "Figure":
    """Draws the columns of held-out rows and samples, where cells lie, dependence and coverage.

    Cells that lie where their distributions say give a flat histogram. The grey band holds all of
    its bars with a probability of 95 %.

    Args:
        verdict: A `tfp_flows.tables.Verdict`.
        max_columns: How many columns to draw at most: those that are found wrong, then the first
            ones; the figure says so.
        title: Title of the figure.

    Returns:
        A figure: for each column its distributions, for each of those whose quantiles are known
        their histogram, a map of differences of correlations, and coverage of dense regions.
    """
    evidence = verdict.evidence
    chosen = _chosen([c.name for c in evidence.compared], evidence.wrong, max_columns)
    lying = _chosen(list(evidence.shares), evidence.off, max_columns)
    columns = [c for c in evidence.compared if c.name in chosen]
    heights = [1.7 * math.ceil(len(part) / _ACROSS) for part in (columns, lying) if part]
    figure = new_figure(2.5 * _ACROSS, sum(heights) + 3.6, title)
    *blocks, below = figure.subfigures(len(heights) + 1, 1, height_ratios=[*heights, 3.4])
    panels = _panels(blocks[0], len(columns))
    for axes, column in zip(panels, columns, strict=True):
        _draw_column(axes, column, column.name in evidence.wrong)
    panels[0].legend(fontsize=7, frameon=False, handlelength=1.2)
    if lying:
        for axes, name in zip(_panels(blocks[1], len(lying)), lying, strict=True):
            _draw_shares(axes, name, evidence.shares[name], name in evidence.off, len(lying))
    pairs, coverage = below.subplots(1, 2)
    _draw_pairs(pairs, evidence)
    _draw_coverage(coverage, evidence.densities)
    if len(evidence.compared) > len(columns):
        note = f"{len(columns)} of {len(evidence.compared)} columns are shown."
        figure.supxlabel(note, fontsize=8, color=NOTE_COLOUR)
    return figure


def _panels(block: Any, count: int) -> list["Axes"]:
    """So many panels of a part of the figure, in rows."""
    grid = block.subplots(math.ceil(count / _ACROSS), _ACROSS, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.remove()
    return list(grid[:count])


def _chosen(names: Sequence[str], first: Sequence[str], most: int) -> list[str]:
    """The most important names, in their order."""
    ranked = sorted(names, key=lambda name: name not in first)[:most]
    return [name for name in names if name in ranked]


def _draw_column(axes: "Axes", column: Any, wrong: bool) -> None:
    sides = (column.held, column.drawn)
    if column.classes:
        counts = [np.bincount(s.astype(int), minlength=len(column.classes)) for s in sides]
        order = np.sort(np.argsort(-(counts[0] + counts[1]), kind="stable")[:_MOST_CLASSES])
        at = np.arange(len(order))
        looks = ((DATA_COLOUR, 0.35, "held-out rows", -0.2), (MODEL_COLOUR, 0.8, "samples", 0.2))
        for count, (colour, alpha, label, shift) in zip(counts, looks, strict=True):
            heights = count[order] / count.sum()
            axes.bar(at + shift, heights, 0.38, color=colour, alpha=alpha, label=label)
        names = [_short(column.classes[code]) for code in order]
        upright = 90 if len(order) > 4 or max(map(len, names)) > 6 else 0
        axes.set_xticks(at, names, rotation=upright)
    else:
        low, high = robust_limits(column.held)
        edges = np.linspace(low, high, _BINS + 1)
        if high - low <= _BINS and all((s == np.round(s)).all() for s in sides):
            edges = np.arange(math.floor(low), math.ceil(high) + 1) + 0.5
        heights = [np.histogram(s, edges)[0] / (len(s) * (edges[1] - edges[0])) for s in sides]
        axes.stairs(
            heights[0], edges, fill=True, color=DATA_COLOUR, alpha=0.35, label="held-out rows"
        )
        axes.stairs(heights[1], edges, color=MODEL_COLOUR, label="samples")
        axes.set_xlim(low, high)
    axes.set(yticks=[], ylim=(0, None))
    _name(axes, column.name, wrong)


def _draw_shares(axes: "Axes", name: str, shares: np.ndarray, wrong: bool, count: int) -> None:
    heights = np.histogram(shares, np.linspace(0, 1, _CELLS + 1))[0] * _CELLS / len(shares)
    draws = np.sort(np.random.default_rng(0).binomial(len(shares), 1 / _CELLS, 100_000))
    # Of all bars of all panels together.
    tail = 0.05 / (2 * _CELLS * count)
    low, high = (np.quantile(draws, p) * _CELLS / len(shares) for p in (tail, 1 - tail))
    axes.fill_between([0, 1], low, high, color=NOTE_COLOUR, alpha=0.2, linewidth=0)
    axes.axhline(1.0, color=NOTE_COLOUR, linewidth=0.8)
    colour = MODEL_COLOUR if wrong else DATA_COLOUR
    edges = np.linspace(0, 1, _CELLS + 1)
    axes.stairs(heights, edges, baseline=None, color=colour, linewidth=1.2)
    axes.set(
        xlim=(0, 1), ylim=(0, max(2.0, 1.1 * heights.max())), xticks=[0, 0.5, 1], yticks=[0, 1]
    )
    _name(axes, f"quantiles of {_short(name)}", wrong)


def _draw_pairs(axes: "Axes", evidence: Any) -> None:
    held, drawn = evidence.associations
    if len(evidence.pairs) < 2:
        axes.set_axis_off()
        return
    difference = np.where(np.eye(len(held), dtype=bool), np.nan, drawn - held)
    most = max(0.2, float(np.nanmax(np.abs(difference))))
    image = axes.imshow(difference, cmap="RdBu_r", vmin=-most, vmax=most)
    figure = axes.get_figure()
    figure.colorbar(image, ax=axes, shrink=0.8).ax.tick_params(labelsize=7)
    if len(evidence.pairs) <= 16:
        names = [_short(name) for name in evidence.pairs]
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
    tidy(axes)
    axes.set_title("correlations of samples - of held-out rows", fontsize=9)


def _draw_coverage(axes: "Axes", densities: np.ndarray) -> None:
    held, drawn = densities
    levels = np.linspace(0, 1, 101)
    shares = [(held >= np.quantile(drawn, 1 - p, method="lower")).mean() for p in levels[1:-1]]
    error = 2 * np.sqrt(2 * levels * (1 - levels) / len(held))
    axes.fill_between(
        levels,
        levels - error,
        levels + error,
        color=NOTE_COLOUR,
        alpha=0.2,
        linewidth=0,
        label="two standard errors",
    )
    axes.plot([0, 1], [0, 1], color=NOTE_COLOUR, linewidth=0.8)
    axes.plot(levels, [0.0, *shares, (held >= drawn.min()).mean()], color=MODEL_COLOUR)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of samples in the densest region")
    axes.set_ylabel("share of held-out rows in it", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    tidy(axes)
    axes.set_title("coverage of the densest regions", fontsize=9)


def _name(axes: "Axes", name: str, wrong: bool) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    tidy(axes)
    colour = MODEL_COLOUR if wrong else "black"
    axes.set_title(f"{name}, wrong" if wrong else name, fontsize=9, color=colour)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
