"""What came of a fit: bound, weights, normaliser, and pictures of target beside flow."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfp_flows.flows import Flow

DRAWS = 20_000
_BATCH = 10_000
_SHOWN = 5_000
# Beyond the numbers of steps, so that no draw of the training is one of the evaluation.
_PLACE = 2**30


class Weighed(NamedTuple):
    """Draws ``[n, D]`` of a flow, and log-weights ``[n]``: target over flow, in nats."""

    x: np.ndarray
    log_weights: np.ndarray


def weigh(flow: "Flow", source: TargetSource, count: int, seed: int) -> Weighed:
    """Draws from a flow and weighs by a target; the same for the same arguments."""
    size = min(count, _BATCH)

    @tf.function(autograph=False)
    def drawn(place):
        pair = tf.stack([tf.constant(seed), place])
        x, log_q = flow.sample_and_log_prob(size, seed=pair)
        return x, source.log_density(x) - log_q

    starts = range(0, count, size)
    places = tracked([_PLACE + i for i in range(len(starts))], "Weighing", len(starts))
    parts = [drawn(tf.constant(place)) for place in places]
    x, log_weights = (
        np.concatenate([p.numpy() for p in each])[:count] for each in zip(*parts, strict=True)
    )
    return Weighed(x, log_weights.astype(np.float64))


def measures(log_weights: np.ndarray) -> dict[str, Any]:
    """Measures of a flow from the log-weights of its draws, with standard errors.

    The bound is the mean of the log-weights ``log w``, and below the log-normaliser on average.
    The estimate of that is the logarithm of the mean of ``w``; its error is that of the mean
    divided by the mean (delta method). The effective share of the draws is ``(sum w)^2 / (n sum
    w^2)`` (Kong 1992). Weights that are not a number count as 0.

    Args:
        log_weights: ``[n]`` in nats.

    Returns:
        JSON values, None where they are not finite.
    """
    count = len(log_weights)
    weights, top = relative(log_weights)
    error = log_weights.std(ddof=1) / math.sqrt(count) if np.isfinite(log_weights).all() else None
    total = weights.sum()
    share = float(total**2 / (count * (weights**2).sum())) if total > 0 else 0.0
    values = {
        "bound_nats": log_weights.mean() if error is not None else None,
        "bound_standard_error": error,
        "log_normaliser": top + math.log(total / count) if total > 0 else None,
        "log_normaliser_standard_error": math.sqrt((1 / share - 1) / count) if share else None,
        "effective_share": share,
        "heaviest_share": float(weights.max() / total) if total > 0 else None,
        "draws": count,
        "draws_not_finite": int((~np.isfinite(log_weights)).sum()),
    }
    return {k: float(v) if isinstance(v, np.floating) else v for k, v in values.items()}


def relative(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights over the largest of them, and the logarithm of that one."""
    log_weights = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    top = float(log_weights.max())
    if not math.isfinite(top):
        return np.zeros_like(log_weights), 0.0
    return np.exp(log_weights - top), top


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
        return flow.sample(_SHOWN, seed=(seed, _PLACE)).numpy(), None
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
