"""What came of a fit: bound, weights, normaliser, and pictures of target beside flow."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows import plotting
from tfp_flows.kinds.targets.source import TargetSource
from tfp_flows.plotting._style import (
    DATA_COLOUR,
    MODEL_COLOUR,
    new_figure,
    robust_limits,
    thinned,
    tidy,
)
from tfp_flows.plotting.plane import brightest
from tfp_flows.terminal import tracked
from tfp_flows.vi import weighing
from tfp_flows.vi.weights import relative

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfp_flows.flows import Flow

DRAWS = 20_000
_BATCH = 10_000
_SHOWN = 5_000


class Weighed(NamedTuple):
    """Draws ``[n, D]`` of a flow, and log-weights ``[n]``: target over flow, in nats."""

    x: np.ndarray
    log_weights: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Draws with their log-weights in a last column, ``[n, D + 1]``."""
        return np.concatenate([self.x, self.log_weights[:, None]], axis=1)


def weigh(flow: "Flow", source: TargetSource, count: int, seed: int) -> Weighed:
    """Draws from a flow and weighs by a target; the same for the same arguments."""
    return Weighed(
        *weighing.weigh(
            flow,
            source.log_density,
            count,
            (seed, 0),
            size=_BATCH,
            watched=lambda batches: tracked(batches, "Weighing", len(batches)),
        )
    )


def picture(
    flow: "Flow",
    source: TargetSource | None,
    *,
    columns: list[str],
    log_normaliser: float,
    seed: int,
    title: str,
) -> "Figure":
    """Draws target beside flow: densities in one and two dimensions, a corner plot in more.

    In the corner plot the data are draws of a named target, or those of the flow resampled by
    their weights.

    Args:
        flow: The flow.
        source: The target; None draws the flow alone.
        columns: Names of the coordinates.
        log_normaliser: Of the target, in nats.
        seed: Of the draws.
        title: Title of the figure.
    """
    samples, data = _draws(flow, source, seed)
    if len(columns) > 2:
        return plotting.plot_corner(data, samples, columns=columns, title=title)
    densities = {"Flow": flow.log_prob}
    if source is not None:
        densities = {"Target": lambda x: source.log_density(x) - log_normaliser, **densities}
    points = samples if data is None else np.concatenate([samples, data])
    bounds = tuple(robust_limits(axis) for axis in points.T)
    dtype = flow.dtype.as_numpy_dtype
    draw = _line if len(columns) == 1 else _plane
    return draw(densities, samples, bounds, columns, title, dtype)


def _draws(flow, source, seed):
    if source is None:
        return flow.sample(_SHOWN, seed=(seed, weighing.PLACE)).numpy(), None
    found = weigh(flow, source, DRAWS, seed)
    samples = found.x[:_SHOWN]
    if source.formula is not None:
        return samples, source.formula.draw(_SHOWN, source.dim, seed)
    weights, _ = relative(found.log_weights)
    if not weights.sum() > 0:
        return samples, None
    chosen = np.random.default_rng(seed).choice(len(weights), _SHOWN, p=weights / weights.sum())
    return samples, found.x[chosen]


class _Density(NamedTuple):
    log_prob: Any


def _plane(densities, samples, bounds, columns, title, dtype) -> "Figure":
    figure = new_figure(3.4 * (len(densities) + 1), 4.0, title)
    panels = figure.subplots(1, len(densities) + 1, sharex=True, sharey=True)
    highest = None
    for axes, (name, log_density) in zip(panels, densities.items(), strict=False):
        xs, ys, values = plotting.density_2d(_Density(log_density), bounds=bounds, dtype=dtype)
        # One scale for both, the target's, so that equal colours are equal densities.
        highest = brightest(values) if highest is None else highest
        axes.pcolormesh(xs, ys, values, cmap="magma", vmin=0.0, vmax=highest, rasterized=True)
        axes.set_title(name, fontsize=11)
    shown = thinned(samples, _SHOWN // 2)
    panels[-1].scatter(*shown.T, s=4, color=MODEL_COLOUR, alpha=0.5, linewidths=0, rasterized=True)
    panels[-1].set_title("Draws of the flow", fontsize=11)
    for axes in panels:
        axes.set(xlim=bounds[0], ylim=bounds[1], xlabel=columns[0])
        axes.set_box_aspect(1)
        tidy(axes)
    panels[0].set_ylabel(columns[1])
    return figure


def _line(densities, samples, bounds, columns, title, dtype) -> "Figure":
    figure = new_figure(6.4, 4.0, title)
    axes = figure.subplots()
    points = np.linspace(*bounds[0], 1000).astype(dtype)
    colours = {"Target": DATA_COLOUR, "Flow": MODEL_COLOUR}
    for name, log_density in densities.items():
        density = np.exp(np.asarray(log_density(points[:, None]), np.float64))
        axes.plot(points, density, color=colours[name], label=name)
    axes.set(xlim=bounds[0], ylim=(0.0, None), xlabel=columns[0], ylabel="density")
    axes.legend(frameon=False)
    tidy(axes)
    return figure
