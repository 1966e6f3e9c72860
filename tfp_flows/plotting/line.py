"""Figures of one-dimensional flows."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    finite_rows,
    new_figure,
    robust_limits,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BINS = 60
_POINTS = 1_000
_SAMPLES = 5_000


def plot_flow_1d(
    distribution: Any,
    data: np.ndarray | None,
    *,
    samples: np.ndarray | None = None,
    column: str = "x",
    title: str | None = None,
) -> "Figure":
    """Draws histograms of data and samples under the density of a flow over one number.

    The limits come from the data and leave out its outermost 0.2 % on each side.

    Args:
        distribution: Anything with ``log_prob(x)`` in nats for ``x`` ``[n, 1]`` and, unless
            ``samples`` are given, ``sample(n, seed=...)``.
        data: ``[rows, 1]``; None draws the samples alone, within limits of their own.
        samples: ``[rows, 1]``; drawn from the distribution if None.
        column: Name of the axis.
        title: Title of the figure.

    Returns:
        A figure with one panel.

    Raises:
        InputError: data or samples of another shape, or without a finite row.
    """
    if samples is None:
        samples = np.asarray(distribution.sample(_SAMPLES, seed=0))
    samples = finite_rows(samples, "samples", columns=1)[:, 0]
    if data is not None:
        data = finite_rows(data, "data", columns=1)[:, 0]
    low, high = robust_limits(samples if data is None else data)
    dtype = getattr(distribution, "dtype", "float32")
    points = np.linspace(low, high, _POINTS).astype(getattr(dtype, "as_numpy_dtype", dtype))
    log_density = np.asarray(distribution.log_prob(points[:, None]), np.float64)

    figure = new_figure(6.4, 4.0, title)
    axes = figure.subplots()
    rows = len(samples if data is None else data)
    bins = int(np.clip(2 * rows ** (1 / 3), 10, _MOST_BINS))  # Rice's rule
    edges = np.linspace(low, high, bins + 1)
    if data is not None:
        axes.stairs(
            _heights(data, edges), edges, fill=True, color=DATA_COLOUR, alpha=0.35, label="data"
        )
    axes.stairs(_heights(samples, edges), edges, color=MODEL_COLOUR, alpha=0.7, label="samples")
    axes.plot(points, np.exp(log_density), color=MODEL_COLOUR, linewidth=1.8, label="density")
    axes.set(xlim=(low, high), ylim=(0.0, None), xlabel=column, ylabel="density")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    tidy(axes)
    return figure


def _heights(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    # Over all values, not over those within the limits: mass outside must not look like mass.
    return np.histogram(values, edges)[0] / (len(values) * (edges[1] - edges[0]))
