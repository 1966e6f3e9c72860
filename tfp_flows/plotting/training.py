"""The course of a training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import DATA_COLOUR, MODEL_COLOUR, NOTE_COLOUR, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SERIES = {"loss": ("training", DATA_COLOUR), "val_loss": ("validation", MODEL_COLOUR)}


def plot_training_curve(
    history: Mapping[str, Sequence[float]],
    *,
    title: str | None = None,
    ylabel: str = "negative log-likelihood (nats)",
) -> "Figure":
    """Draws training and validation loss over the epochs and marks the best validation epoch.

    The frame is chosen so that a few very high values, as in the first epochs, do not flatten
    the rest; the figure says how many lie above it, and how many are not finite.

    Args:
        history: ``"loss"``, ``"val_loss"`` or both: one value in nats for each epoch, as in
            ``fit(...).history``. Other entries are not drawn.
        title: Title of the figure.
        ylabel: What the losses are.

    Returns:
        A figure with one panel.

    Raises:
        InputError: neither of the two entries is there, or they have no finite value.
    """
    series = {name: np.asarray(history[name], np.float64) for name in _SERIES if name in history}
    if not series:
        raise InputError(
            f"The history has {', '.join(history) or 'no entries'}; it needs 'loss' or 'val_loss'."
        )
    values = np.concatenate(list(series.values()))
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise InputError("The history has no finite loss; there is nothing to plot.")

    figure = new_figure(6.4, 4.0, title)
    axes = figure.subplots()
    for name, losses in series.items():
        label, colour = _SERIES[name]
        marker = "o" if len(losses) < 20 else None
        axes.plot(
            np.arange(1, len(losses) + 1), losses, color=colour, label=label, marker=marker, ms=3.5
        )
    low, high = _frame(list(series.values()))
    axes.set(ylim=(low, high), xlabel="epoch", ylabel=ylabel)
    if "val_loss" in series and np.isfinite(series["val_loss"]).any():
        _mark_best(axes, series["val_loss"])
    _note(axes, above=finite[finite > high], not_finite=len(values) - len(finite))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper right", framealpha=0.9, edgecolor="none")
    tidy(axes)
    return figure


def _frame(series: list[np.ndarray]) -> tuple[float, float]:
    """From the lowest value to the highest, or to above the bulk if that is far lower.

    The bulk leaves out the highest tenth of each series, and at least its highest value.
    """
    finite = [losses[np.isfinite(losses)] for losses in series]
    finite = [losses for losses in finite if losses.size]
    low = min(float(losses.min()) for losses in finite)
    high = max(float(losses.max()) for losses in finite)
    bulk = max(float(np.quantile(losses, 0.9, method="lower")) for losses in finite)
    if high - low > 3 * (bulk - low) > 0:
        high = low + 1.5 * (bulk - low)
    margin = 0.06 * (high - low) or 0.5
    return low - 2 * margin, high + margin


def _mark_best(axes: "Axes", losses: np.ndarray) -> None:
    best = int(np.nanargmin(np.where(np.isfinite(losses), losses, np.nan)))
    axes.axvline(best + 1, color=MODEL_COLOUR, linewidth=0.8, linestyle=":")
    axes.plot(
        best + 1,
        losses[best],
        marker="o",
        markersize=8,
        markerfacecolor="white",
        markeredgecolor=MODEL_COLOUR,
        linestyle="none",
        label=f"best: epoch {best + 1}, {losses[best]:.4g} nats",
    )


def _note(axes: "Axes", *, above: np.ndarray, not_finite: int) -> None:
    notes = []
    if above.size:
        notes.append(f"{above.size} of the values above the frame (up to {above.max():.3g})")
    if not_finite:
        notes.append(f"{not_finite} not finite")
    if notes:
        axes.text(
            0.01,
            0.01,
            ", ".join(notes),
            transform=axes.transAxes,
            fontsize=8,
            color=NOTE_COLOUR,
            va="bottom",
        )
