"""Corner plots: every pair of columns of a table, data against samples."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    NOTE_COLOUR,
    finite_rows,
    new_figure,
    robust_limits,
    thinned,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 3_000
_BINS = 40


class _Column(NamedTuple):
    """One column in the units of its axis: ``(value - offset) / unit``."""

    label: str
    data: np.ndarray
    samples: np.ndarray
    limits: tuple[float, float]


def plot_corner(
    data: np.ndarray | None,
    samples: np.ndarray,
    *,
    columns: Sequence[str],
    max_columns: int = 8,
    labels: tuple[str, str] = ("data", "samples"),
    title: str | None = None,
) -> "Figure":
    """Draws samples over data: histograms on the diagonal, every pair of columns below it.

    Limits come from the data and leave out its outermost 0.2 % on each side. The histograms use
    all rows, the pairs at most 3,000 of each. Rows that are not finite are left out, and so are
    columns beyond ``max_columns``; the figure says so.

    Args:
        data: ``[rows, columns]``; None draws the samples alone, within limits of their own.
        samples: ``[rows, columns]``.
        columns: One name for each column.
        max_columns: How many columns to draw at most, the first ones.
        labels: What data and samples are called.
        title: Title of the figure.

    Returns:
        A figure with one panel for each drawn column and pair of columns.

    Raises:
        InputError: shapes or names that do not match, no finite row, or max_columns below 1.
    """
    names = [str(name) for name in columns]
    if max_columns < 1:
        raise InputError(f"max_columns is {max_columns!r}; give at least 1.")
    if not names:
        raise InputError("The list of columns is empty; give one name for each column.")
    rows = len(samples)
    if data is not None:
        data = finite_rows(data, "data", columns=len(names))
    samples = finite_rows(samples, "samples", columns=len(names))
    notes = _notes(names, max_columns, rows - len(samples))
    names = names[:max_columns]
    count = len(names)
    shown = samples[:0] if data is None else data
    drawn = [_column(name, shown[:, i], samples[:, i]) for i, name in enumerate(names)]

    side = {1: 4.2, 2: 2.7, 3: 2.1}.get(count, 1.6)
    figure = new_figure(side * count + 0.8, side * count + 0.6, title)
    grid = figure.subplots(count, count, sharex="col", squeeze=False)
    for i, row in enumerate(drawn):
        for j, column in enumerate(drawn):
            axes = grid[i, j]
            if j > i:
                axes.remove()
                continue
            if i == j:
                _histogram(axes, row)
            else:
                _pair(axes, column, row, size=1.5 * side)
            _label(axes, column, row, bottom=i == count - 1, left=j == 0 and i > 0)
    figure.align_labels()
    _legend(figure, grid[0, 0], inside=count == 1, labels=labels[data is None :])
    if notes:
        figure.supxlabel(notes, fontsize=8, color=NOTE_COLOUR)
    return figure


def _notes(names: list[str], max_columns: int, not_finite: int) -> str:
    notes = []
    left_out = names[max_columns:]
    if left_out:
        listed = ", ".join(left_out[:5]) + (", ..." if len(left_out) > 5 else "")
        notes.append(f"{max_columns} of {len(names)} columns shown; left out: {listed}.")
    if not_finite:
        notes.append(f"{not_finite:,} samples are not finite and not shown.")
    return "\n".join(notes)


def _column(name: str, data: np.ndarray, samples: np.ndarray) -> _Column:
    """Takes a large offset and a power of ten out of the numbers and puts them in the label."""
    low, high = robust_limits(data if len(data) else samples)
    spread, offset, unit = high - low, 0.0, 1.0
    label = textwrap.fill(textwrap.shorten(name, 54, placeholder="..."), 18)
    if max(abs(low), abs(high)) > 1e3 * spread:
        step = 10.0 ** np.ceil(np.log10(spread))
        offset = float(np.round((low + high) / 2 / step) * step)
        label = f"{label}\n{'-' if offset > 0 else '+'} {abs(offset):.15g}"
    largest = max(abs(low - offset), abs(high - offset))
    if not 1e-3 <= largest < 1e4:
        exponent = int(np.floor(np.log10(largest)))
        unit = 10.0**exponent
        label = f"{label} [1e{exponent}]"
    low, high, data, samples = ((value - offset) / unit for value in (low, high, data, samples))
    return _Column(label, data, samples, (low, high))


def _histogram(axes: "Axes", column: _Column) -> None:
    edges = np.linspace(*column.limits, _BINS + 1)
    width = edges[1] - edges[0]
    heights = [
        # Over all rows, not over those within the limits: mass outside must not look like mass.
        np.histogram(values, edges)[0] / (max(len(values), 1) * width)
        for values in (column.data, column.samples)
    ]
    axes.stairs(heights[0], edges, fill=True, color=DATA_COLOUR, alpha=0.35)
    axes.stairs(heights[1], edges, color=MODEL_COLOUR, linewidth=1.3, baseline=None)
    axes.set(xlim=column.limits, ylim=(0.0, 1.15 * max(h.max() for h in heights)), yticks=[])
    axes.spines[["top", "left", "right"]].set_visible(False)


def _pair(axes: "Axes", x: _Column, y: _Column, *, size: float) -> None:
    data = thinned(np.stack([x.data, y.data], axis=1), _POINTS)
    samples = thinned(np.stack([x.samples, y.samples], axis=1), _POINTS)
    points = np.concatenate([data, samples])
    colours = np.array([DATA_COLOUR] * len(data) + [MODEL_COLOUR] * len(samples))
    # In mixed order: drawn one after the other, the samples would hide the data.
    order = np.random.default_rng(0).permutation(len(points))
    axes.scatter(
        *points[order].T, s=size, c=colours[order], alpha=0.4, linewidths=0, rasterized=True
    )
    axes.set(xlim=x.limits, ylim=y.limits)


def _label(axes: "Axes", x: _Column, y: _Column, *, bottom: bool, left: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    tidy(axes)
    axes.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    axes.tick_params(labelbottom=bottom, labelleft=left, labelsize=7)
    if bottom:
        axes.set_xlabel(x.label, fontsize=9)
    if x is not y:
        axes.yaxis.set_major_locator(MaxNLocator(3, prune="both"))
    if left:
        axes.set_ylabel(y.label, fontsize=9)


def _legend(figure: "Figure", axes: "Axes", *, inside: bool, labels: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    colours = (DATA_COLOUR, MODEL_COLOUR)[-len(labels) :]
    handles = [Patch(color=c, label=label) for c, label in zip(colours, labels, strict=True)]
    if inside:
        axes.legend(handles=handles, frameon=False, fontsize=10)
    else:
        figure.legend(
            handles=handles,
            loc="upper right",
            bbox_to_anchor=(0.97, 0.93),
            frameon=False,
            fontsize=11,
        )
