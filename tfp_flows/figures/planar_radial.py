"""Contractions and expansions of planar and radial layers."""

from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.figures._drawing import grid_lines
from tfp_flows.plotting._style import new_figure, tidy
from tfp_flows.plotting.plane import brightest, density_2d

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REACH = 3.5
_STRENGTHS = (-0.8, -0.4, 1.0, 3.0)


def draw() -> "Figure":
    """Draws a grid bent by four layers of each kind, on the density that a normal becomes."""
    from tfp_flows import flows
    from tfp_flows.figures._layers import planar, radial

    rows = {
        "planar": [planar([1.5, 0.8], a) for a in _STRENGTHS],
        "radial": [radial([0.5, 0.3], 1.0, beta) for beta in _STRENGTHS],
    }
    symbols = {"planar": r"w^\top u", "radial": r"\beta"}
    figure = new_figure(10.4, 5.6, None)
    grid = figure.subplots(2, 4, sharex=True, sharey=True)
    base = flows.standard_normal(2, "float64")
    for panels, (name, layers) in zip(grid, rows.items(), strict=True):
        for axes, layer, value in zip(panels, layers, _STRENGTHS, strict=True):
            flow = flows.Flow(base, layer)
            bounds = ((-_REACH, _REACH),) * 2
            xs, ys, density = density_2d(flow, bounds=bounds, resolution=160, dtype="float64")
            axes.pcolormesh(xs, ys, density, cmap="Blues", vmin=0, vmax=brightest(density))
            for line in grid_lines(-4, 4, 17):
                bent = layer.forward(line).numpy()
                axes.plot(*bent.T, color="#444444", linewidth=0.5, alpha=0.7)
            kind = "contracts" if value < 0 else "expands"
            axes.set_title(f"{kind}: ${symbols[name]} = {value:g}$", fontsize=11)
            axes.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), aspect="equal")
            axes.set(xticks=np.arange(-2, 3, 2), yticks=np.arange(-2, 3, 2))
            tidy(axes)
        panels[0].set_ylabel(f"{name} layer", fontsize=12)
    return figure
