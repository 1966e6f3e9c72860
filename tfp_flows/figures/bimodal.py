"""A normal density becomes bimodal: the softsign and its slope."""

from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.figures._drawing import CHANGED, CHANGED_TINT, INK, KEPT, KEPT_TINT, QUIET
from tfp_flows.plotting._style import new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHARPNESS = 1.5
_SLICES = 16
_RANGE = 3.2


def draw() -> "Figure":
    """Draws base density, map and density, with slices of equal mass carried across."""
    from statistics import NormalDist

    from tfp_flows import flows

    flow = flows.softsign_bimodal(event_shape=1, sharpness=_SHARPNESS, dtype="float64")
    z = np.linspace(-_RANGE, _RANGE, 401)
    x = np.linspace(-0.9999, 0.9999, 801)
    base = np.exp(flow.distribution.log_prob(z[:, None]).numpy())
    density = flow.prob(x[:, None]).numpy()
    curve = flow.from_latent(z[:, None]).numpy()[:, 0]
    shares = np.arange(1, _SLICES) / _SLICES
    edges = np.array([NormalDist().inv_cdf(share) for share in shares])
    reached = flow.from_latent(edges[:, None]).numpy()[:, 0]

    figure = new_figure(7.2, 6.0, None)
    panels = figure.subplot_mosaic(
        [["data", "map"], [".", "base"]], width_ratios=[1, 2.1], height_ratios=[2, 1]
    )
    middle, below, left = panels["map"], panels["base"], panels["data"]
    for edge, end in zip(edges, reached, strict=True):
        middle.plot([edge, edge, -_RANGE], [-1.05, end, end], color=QUIET, linewidth=0.6)
    middle.plot(z, curve, color=INK, linewidth=2)
    middle.set(xlim=(-_RANGE, _RANGE), ylim=(-1.05, 1.05))
    middle.set_title(rf"$x = f(z) = s z\,/\,(1 + s|z|)$,  $s = {_SHARPNESS}$", fontsize=12)
    middle.tick_params(labelbottom=False, labelleft=False)

    below.fill_between(z, base, color=KEPT_TINT)
    below.plot(z, base, color=KEPT, linewidth=2)
    below.vlines(edges, 0, np.interp(edges, z, base), color=QUIET, linewidth=0.6)
    below.set(xlim=(-_RANGE, _RANGE), ylim=(0.45, 0), xlabel="$z$", ylabel="$p_Z(z)$")

    left.fill_betweenx(x, density, color=CHANGED_TINT)
    left.plot(density, x, color=CHANGED, linewidth=2)
    left.hlines(reached, 0, np.interp(reached, x, density), color=QUIET, linewidth=0.6)
    left.set(ylim=(-1.05, 1.05), xlim=(1.15 * density.max(), 0), ylabel="$x$")
    left.set_xlabel(r"$p_X(x) = p_Z(z)\,/\,|f'(z)|$")
    for axes in panels.values():
        tidy(axes)
        axes.xaxis.label.set_fontsize(11)
        axes.yaxis.label.set_fontsize(11)
    return figure
