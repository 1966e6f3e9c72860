"""What all figures share: colours, limits that ignore outliers, a figure without pyplot."""

from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA_COLOUR = "#26547c"
MODEL_COLOUR = "#e4572e"
NOTE_COLOUR = "#666666"
_FRAME_COLOUR = "#999999"


def new_figure(width: float, height: float, title: str | None) -> "Figure":
    """A figure, in inches, that pyplot does not know: nothing global is touched or kept."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=13)
    return figure


def tidy(axes: "Axes") -> None:
    """Quiet frame and small ticks."""
    axes.tick_params(labelsize=8, color=_FRAME_COLOUR, length=3)
    for spine in axes.spines.values():
        spine.set_color(_FRAME_COLOUR)
        spine.set_linewidth(0.8)


def finite_rows(points: np.ndarray, name: str, *, columns: int | None = None) -> np.ndarray:
    """Returns the finite rows of ``points`` as float64 ``[rows, columns]``.

    Raises:
        InputError: another shape, or no finite row.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or (columns is not None and points.shape[1] != columns):
        shape = "[rows, columns]" if columns is None else f"[rows, {columns}]"
        raise InputError(f"The {name} have shape {points.shape}; give {shape}.")
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        raise InputError(f"None of the {len(points)} {name} is finite; there is nothing to plot.")
    return finite


def robust_limits(
    values: np.ndarray, *, outside: float = 0.002, margin: float = 0.08
) -> tuple[float, float]:
    """Limits that leave out at most a share ``outside`` of the values at each end, plus a margin.

    Falls back to the whole range, and then to a range of 1, where the quantiles coincide.
    """
    low, high = (float(q) for q in np.quantile(values, [outside, 1.0 - outside]))
    if low == high:
        low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def thinned(points: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """At most ``count`` rows of ``points``, drawn without replacement."""
    if len(points) <= count:
        return points
    return points[np.random.default_rng(seed).choice(len(points), count, replace=False)]


def finish_panels(figure: "Figure", grid, drawn: int, all_columns: int) -> None:
    """Removes panels that are not used, and puts one legend below all, and how many are shown."""
    for axes in grid[drawn:]:
        axes.remove()
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False
    )
    if all_columns > drawn:
        text = f"{drawn} of {all_columns} shown."
        figure.supxlabel(text, fontsize=8, color=NOTE_COLOUR)
