"""Predictions as bands, for the examples that draw them."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tfp_flows as tff


def save(path: Path, x, draws, seen, *, title: str, truth=None, label="seen") -> None:
    """Draws the median of curves ``[n, places]`` and their 50 and 90 % bands, over points."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    for width in (90, 50):
        low, high = np.percentile(draws, [50 - width / 2, 50 + width / 2], axis=0)
        axes.fill_between(x, low, high, color="C1", alpha=0.25, linewidth=0, label=f"{width} %")
    axes.plot(x, np.median(draws, axis=0), color="C1", label="median")
    if truth is not None:
        axes.plot(x, truth, color="C0", linestyle="--", label="truth")
    axes.plot(*seen, "o", color="C0", markersize=4, label=label)
    axes.set_title(title)
    axes.legend(fontsize=8, edgecolor="none")
    tff.plotting.save_figure(figure, path)
