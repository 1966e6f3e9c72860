"""Figures of two-dimensional flows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    finite_rows,
    new_figure,
    robust_limits,
    thinned,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BATCH = 10_000
_POINTS = 5_000
# Ranges more unequal than this get axes of their own scale; others share one, so circles are round.
_EQUAL_UP_TO = 2.0

Bounds = tuple[tuple[float, float], tuple[float, float]]


def density_2d(
    distribution: Any, *, bounds: Bounds, resolution: int = 200, dtype: Any = "float32"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evaluates a density at the centres of a grid of equal cells.

    With cell width ``xs[1] - xs[0]`` and height ``ys[1] - ys[0]``, the sum of the density times
    the cell's area is the mass within the bounds (midpoint rule).

    Args:
        distribution: Anything with ``log_prob(x)`` in nats for ``x`` ``[n, 2]``.
        bounds: ``((x_low, x_high), (y_low, y_high))``.
        resolution: Number of cells along each axis, at least 2.
        dtype: Precision of the points given to ``log_prob``, a name or a NumPy type.

    Returns:
        ``xs`` ``[resolution]``, ``ys`` ``[resolution]``, and the density
        ``[resolution, resolution]``, row ``i`` at ``ys[i]``; all float64.

    Raises:
        InputError: bounds that are not finite and increasing, or a resolution below 2.
    """
    if resolution < 2:
        raise InputError(f"The resolution is {resolution!r}; give at least 2.")
    xs, ys = (_centres(axis, resolution) for axis in bounds)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(dtype)
    # Batches of one size, the last filled up, so that a compiled log_prob is traced only once.
    batches = -(-len(grid) // _BATCH)
    size = -(-len(grid) // batches)
    filled = np.concatenate([grid, np.repeat(grid[-1:], batches * size - len(grid), axis=0)])
    log_density = np.concatenate(
        [np.asarray(distribution.log_prob(part)) for part in np.split(filled, batches)]
    )[: len(grid)]
    return xs, ys, np.exp(log_density.astype(np.float64)).reshape(resolution, resolution)


def plot_flow_2d(
    distribution: Any,
    data: np.ndarray | None,
    *,
    samples: np.ndarray | None = None,
    columns: Sequence[str] | None = None,
    title: str | None = None,
) -> "Figure":
    """Draws data, samples and density of a flow side by side, within the same limits.

    The limits come from the data and leave out its outermost 0.2 % on each side. At most 5,000
    points are drawn in a panel. The density is evaluated in the dtype of the distribution,
    float32 if it does not say.

    Args:
        distribution: Anything with ``log_prob(x)`` in nats for ``x`` ``[n, 2]`` and, unless
            ``samples`` are given, ``sample(n, seed=...)``.
        data: ``[rows, 2]``; without data there is no panel of it, and the samples set the limits.
        samples: ``[rows, 2]``; drawn from the distribution if None, as many as there are data.
        columns: Names of the two axes.
        title: Title of the figure.

    Returns:
        A figure with three panels, or two without data.

    Raises:
        InputError: data or samples of another shape, or without a finite row.
    """
    points = {}
    if data is not None:
        points["Data"] = thinned(finite_rows(data, "data", columns=2), _POINTS)
    if samples is None:
        samples = np.asarray(distribution.sample(len(points.get("Data", range(_POINTS))), seed=0))
    points["Samples"] = thinned(finite_rows(samples, "samples", columns=2), _POINTS)
    first = next(iter(points.values()))
    bounds = _bounds(first)
    dtype = getattr(distribution, "dtype", "float32")
    xs, ys, density = density_2d(
        distribution, bounds=bounds, dtype=getattr(dtype, "as_numpy_dtype", dtype)
    )

    figure = new_figure(3.4 * (len(points) + 1), 4.0 if title else 3.7, title)
    panels = figure.subplots(1, len(points) + 1, sharex=True, sharey=True)
    size = float(np.clip(10_000 / len(first), 3.0, 12.0))
    for axes, (name, xy) in zip(panels, points.items(), strict=False):
        colour = DATA_COLOUR if name == "Data" else MODEL_COLOUR
        axes.scatter(*xy.T, s=size, color=colour, alpha=0.5, linewidths=0, rasterized=True)
    # Clipping the very brightest cells keeps a single spike from turning all else dark.
    panels[-1].pcolormesh(
        xs, ys, density, cmap="magma", vmin=0.0, vmax=brightest(density), rasterized=True
    )
    for axes, name in zip(panels, (*points, "Density"), strict=True):
        axes.set(xlim=bounds[0], ylim=bounds[1])
        axes.set_title(name, fontsize=11)
        axes.set_box_aspect(1)
        tidy(axes)
        if columns is not None:
            axes.set_xlabel(columns[0], fontsize=9)
    if columns is not None:
        panels[0].set_ylabel(columns[1], fontsize=9)
    return figure


def _centres(axis: tuple[float, float], resolution: int) -> np.ndarray:
    low, high = axis
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(
            f"The bounds {axis!r} are not a finite, increasing pair; give (low, high)."
        )
    return low + (high - low) * (np.arange(resolution) + 0.5) / resolution


def _bounds(data: np.ndarray) -> Bounds:
    """Robust limits for both axes, widened to a square unless the ranges are very unequal."""
    x, y = (robust_limits(column) for column in data.T)
    widths = (x[1] - x[0], y[1] - y[0])
    if max(widths) > _EQUAL_UP_TO * min(widths):
        return x, y
    half = max(widths) / 2
    return tuple((sum(axis) / 2 - half, sum(axis) / 2 + half) for axis in (x, y))


def brightest(density: np.ndarray) -> float:
    """The density above which only a hundredth of the mass lies; 1 where there is no mass."""
    values = np.sort(density[np.isfinite(density)])
    total = values.sum()
    if not total > 0 or not np.isfinite(total):
        return 1.0
    return float(values[np.searchsorted(np.cumsum(values), 0.99 * total)])
