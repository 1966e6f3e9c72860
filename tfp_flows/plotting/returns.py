"""How the returns of an agent grow."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import DATA_COLOUR, MODEL_COLOUR, NOTE_COLOUR, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_returns(
    steps: Sequence[float],
    returns: Mapping[str, Sequence[float | None]],
    *,
    final: float | None = None,
    title: str | None = None,
) -> "Figure":
    """Draws mean returns over steps in the environment.

    Args:
        steps: Steps at which they were measured.
        returns: By what they are of, up to two series with a value for each; None or NaN where
            there was none.
        final: The return by which the agent is judged in the end, as a line.
        title: Title of the figure.

    Returns:
        A figure with one panel.

    Raises:
        InputError: If there are more than two series, or lengths differ.
    """
    series = {name: np.asarray(values, np.float64) for name, values in returns.items()}
    if not 1 <= len(series) <= 2 or any(len(v) != len(steps) for v in series.values()):
        sizes = {name: len(values) for name, values in series.items()}
        raise InputError(f"Give one or two series of {len(steps)} returns each, got {sizes}.")
    figure = new_figure(6.4, 4.0, title)
    axes = figure.subplots()
    marker = "o" if len(steps) < 20 else None
    for (name, values), colour in zip(series.items(), (DATA_COLOUR, MODEL_COLOUR), strict=False):
        there = np.isfinite(values)
        places = np.asarray(steps)[there]
        axes.plot(places, values[there], color=colour, label=name, marker=marker, ms=3.5)
    if final is not None:
        label = f"in the end: {final:.4g}"
        axes.axhline(final, color=NOTE_COLOUR, linewidth=0.8, linestyle=":", label=label)
    axes.set(xlabel="steps in the environment", ylabel="mean return")
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", framealpha=0.9, edgecolor="none")
    tidy(axes)
    return figure
