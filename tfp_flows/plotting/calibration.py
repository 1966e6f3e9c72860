"""Whether ranks of true values are uniform."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.plotting._style import DATA_COLOUR, MODEL_COLOUR, NOTE_COLOUR, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = {"log_prob": ("coverage of densest regions", "-"), "distance": ("distances (TARP)", "--")}


def plot_calibration(calibration: Any, *, title: str | None = None) -> "Figure":
    """Draws how far the distribution of ranks is from the uniform one, with the 95 % band of all.

    A curve that rises first and then falls below zero belongs to posteriors that are too narrow
    (for the coverage of densest regions: a curve below zero); one above or below zero throughout to
    draws that lie too high or too low.

    Args:
        calibration: A `tfp_flows.vi.Calibration`.
        title: Title of the figure.

    Returns:
        A figure with one panel: quantities outside of the band in colour, with their names.
    """
    uniform, wrong = calibration.uniformity, set(calibration.wrong)
    x = np.concatenate([[0.0], uniform.shares, [1.0]])
    # Of all quantities together, as the verdict.
    band = uniform.band(1 - 0.05 / len(calibration.ranks.columns))
    low, high = (np.concatenate([[0.0], e - uniform.shares, [0.0]]) for e in band)
    figure = new_figure(6.4, 4.0, title)
    axes = figure.subplots()
    axes.fill_between(
        x, low, high, color=NOTE_COLOUR, alpha=0.2, linewidth=0, label="95 % band of all"
    )
    axes.axhline(0.0, color=NOTE_COLOUR, linewidth=0.8)
    others = 0
    for name, ranks in calibration.ranks.items():
        y = uniform.shares_below(ranks.to_numpy()) - uniform.shares
        label, style = _NAMED.get(name, (name if name in wrong else None, "-"))
        known = name in _NAMED
        axes.plot(
            x,
            np.concatenate([[0.0], y, [0.0]]),
            color=MODEL_COLOUR if name in wrong else DATA_COLOUR,
            linestyle=style,
            linewidth=2.0 if known else 1.0,
            alpha=1.0 if known else 0.6,
            label=label,
        )
        others += label is None
    if others:
        axes.plot([], [], color=DATA_COLOUR, linewidth=1.0, alpha=0.6, label="single parameters")
    axes.set(xlim=(0, 1), xlabel="rank of the truth, as a share", ylabel="distribution - uniform")
    axes.legend(fontsize=8, framealpha=0.9, edgecolor="none")
    tidy(axes)
    return figure
