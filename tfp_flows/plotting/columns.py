"""Columns of samples beside those of data: numbers as densities, categories as shares."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    finish_panels,
    new_figure,
    robust_limits,
    tidy,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_BINS, _ACROSS, _CLASSES = 40, 4, 12


def plot_columns(
    samples: "pd.DataFrame",
    data: "pd.DataFrame | None" = None,
    *,
    kinds: Mapping[str, str],
    numeric: Mapping[str, Callable] | None = None,
    max_columns: int = 16,
    title: str | None = None,
) -> "Figure":
    """Draws each column of samples, beside that of data.

    Args:
        samples: Rows of a model.
        data: Rows to compare with; cells that are missing are left out.
        kinds: For each column to draw ``"classes"``, drawn as shares, ``"numbers"`` or ``"dates"``.
        numeric: By column, what makes numbers of its values; they are numbers by default, and of
            dates the days since 1970.
        max_columns: How many columns to draw at most; the figure says so.
        title: Title of the figure.

    Raises:
        InputError: If there is no column to draw.
    """
    names = list(kinds)[:max_columns]
    if not names:
        raise InputError("plot_columns has no column to draw.")
    across = min(len(names), _ACROSS)
    down = math.ceil(len(names) / across)
    figure = new_figure(max(2.4 * across, 4.6), 2.0 * down + 0.8, title)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    tables = {"samples": samples} | ({} if data is None else {"data": data})
    for axes, name in zip(grid, names, strict=False):
        columns = {label: table[name].dropna() for label, table in tables.items()}
        if kinds[name] == "classes":
            _shares(axes, columns)
        else:
            convert = (numeric or {}).get(name, lambda values: np.asarray(values, np.float64))
            _densities(axes, {label: convert(c.to_numpy()) for label, c in columns.items()})
            if kinds[name] == "dates":
                _as_dates(axes)
        axes.set_xlabel(name, fontsize=9)
        axes.set_yticks([])
        axes.spines[["top", "left", "right"]].set_visible(False)
        tidy(axes)
    finish_panels(figure, grid, len(names), len(kinds))
    return figure


def _as_dates(axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=4)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _colour(label: str) -> str:
    return MODEL_COLOUR if label == "samples" else DATA_COLOUR


def _densities(axes, columns) -> None:
    shown = columns.get("data", columns["samples"])
    limits = robust_limits(shown if len(shown) else columns["samples"])
    fewest = min(len(values) for values in columns.values())
    edges = _edges(shown, limits, min(_BINS, 4 + fewest // 12))
    for label, values in columns.items():
        # Over all rows: mass outside of the limits must not look like mass.
        heights = np.histogram(values, edges)[0] / (max(len(values), 1) * np.diff(edges))
        axes.stairs(heights, edges, baseline=None, label=label, color=_colour(label), linewidth=1.3)
    axes.set(xlim=limits, ylim=(0, None))


def _edges(shown: np.ndarray, limits: tuple[float, float], bins: int) -> np.ndarray:
    """Of at most ``bins`` bins; those of whole numbers hold equally many of them each."""
    if not len(shown) or not (shown == np.rint(shown)).all():
        return np.linspace(*limits, bins + 1)
    low, high = np.floor(limits[0]), np.ceil(limits[1])
    width = max(1.0, np.ceil((high - low) / bins))
    return np.arange(low - 0.5, high + width, width)


def _shares(axes, columns) -> None:
    counts = {label: c.value_counts(normalize=True) for label, c in columns.items()}
    first = counts.get("data", counts["samples"])
    every = list(dict.fromkeys([*first.index, *counts["samples"].index]))[:_CLASSES]
    width = 0.8 / len(columns)
    for place, (label, shares) in enumerate(counts.items()):
        heights = [shares.get(value, 0.0) for value in every]
        axes.bar(
            np.arange(len(every)) + (place + 0.5) * width - 0.4,
            heights,
            width,
            label=label,
            color=_colour(label),
        )
    axes.set_xticks(range(len(every)), [str(v)[:10] for v in every], fontsize=6)
    axes.tick_params(axis="x", labelrotation=30 if len(every) > 3 else 0)
