"""A flow of K steps: the density after each."""

import itertools
from typing import TYPE_CHECKING

from tfp_flows.figures._drawing import CHANGED, grid_lines
from tfp_flows.plotting._style import new_figure
from tfp_flows.plotting.plane import brightest, density_2d

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REACH = 4.0
_NAMES = ("planar", "planar", "radial", "coupling")


def draw() -> "Figure":
    """Draws a standard normal and what four steps make of it, with a grid carried along."""
    from matplotlib.patches import ConnectionPatch

    from tfp_flows import flows
    from tfp_flows.bijectors import Chain

    layers = _layers()
    figure = new_figure(12.0, 3.0, None)
    figure.get_layout_engine().set(wspace=0.12)
    panels = figure.subplots(1, len(layers) + 1)
    base = flows.standard_normal(2, "float64")
    lines = grid_lines(-2.4, 2.4, 13)
    for k, axes in enumerate(panels):
        # A chain holds the data side first; the latest step stands there.
        flow = base if k == 0 else flows.Flow(base, Chain(layers[:k][::-1]))
        bounds = ((-_REACH, _REACH),) * 2
        xs, ys, density = density_2d(flow, bounds=bounds, resolution=180, dtype="float64")
        axes.pcolormesh(xs, ys, density, cmap="Blues", vmin=0, vmax=brightest(density))
        if k:
            lines = [layers[k - 1].forward(line).numpy() for line in lines]
        for line in lines:
            axes.plot(*line.T, color="#444444", linewidth=0.4, alpha=0.6)
        title = r"$z_0 \sim p_0$" if k == 0 else f"$z_{k} = f_{k}(z_{k - 1})$"
        axes.set_title(title if k < len(layers) else title[:-1] + r" = x$", fontsize=12)
        axes.set_xlabel("base" if k == 0 else _NAMES[k - 1], fontsize=11)
        axes.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), aspect="equal")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set_color("#999999")
    for before, after in itertools.pairwise(panels):
        figure.add_artist(
            ConnectionPatch(
                (1.02, 0.5),
                (-0.02, 0.5),
                "axes fraction",
                "axes fraction",
                axesA=before,
                axesB=after,
                arrowstyle="-|>,head_width=0.25,head_length=0.5",
                mutation_scale=16,
                color=CHANGED,
                linewidth=1.5,
            )
        )
    return figure


def _layers():
    """Two planar expansions, a radial contraction, and an additive coupling with a sine."""
    import tensorflow as tf

    from tfp_flows.bijectors import Coupling
    from tfp_flows.figures._layers import planar, radial
    from tfp_flows.transformers import Additive

    wave = tf.keras.layers.Lambda(lambda x: 0.9 * tf.sin(1.4 * x), dtype="float64")
    options = {"event_shape": 2, "mask": "half", "dtype": "float64"}
    bend = Coupling(conditioner=wave, transformer=Additive(), **options)
    return [planar([1.8, 0.0], 2.6), planar([0.2, 2.0], 2.2), radial([0.0, 0.0], 1.5, -0.6), bend]
