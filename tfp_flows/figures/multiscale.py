"""The multi-scale architecture, with the shapes of the package's RealNVP of images."""

from typing import TYPE_CHECKING

from tfp_flows.figures._drawing import (
    CHANGED,
    CHANGED_TINT,
    INK,
    KEPT,
    KEPT_TINT,
    QUIET,
    arrow,
    blank,
    box,
    path,
)
from tfp_flows.plotting._style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHAPE, _LEVELS = (32, 32, 3), 3


def draw() -> "Figure":
    """Draws the way of a 32 x 32 image to its latent, three levels deep."""
    levels = _levels()
    figure = new_figure(11.0, 4.9, None)
    axes = figure.subplots()
    blank(axes, 23.0, 9.75)
    end = 21.3
    for number, (shapes, couplings) in enumerate(levels):
        y = 8.3 - 3.6 * number
        last = number + 1 == len(levels)
        box(axes, (1.6, y), (2.7, 1.5), _words(shapes[0]), fill=KEPT_TINT, edge=KEPT)
        places = [5.7, 9.2, 12.7] if not last else [5.7]
        names = [f"{couplings[0]} couplings,\ncheckerboard"]
        if not last:
            names += [f"squeeze to\n{_words(shapes[1])}", f"{couplings[1]} couplings,\nchannels"]
        before = 2.95
        for place, name in zip(places, names, strict=True):
            arrow(axes, (before, y), (place - 1.5, y))
            box(axes, (place, y), (3.0, 1.5), name, fontsize=10)
            before = place + 1.5
        axes.text(0.1, y + 1.0, f"level {number + 1}", fontsize=10, color=QUIET)
        label = _words(shapes[-1])
        if last:
            arrow(axes, (before, y), (end - 1.6, y), colour=CHANGED)
        else:
            half = (*shapes[1][:2], shapes[1][2] // 2)
            label = _words(half)
            box(axes, (16.2, y), (2.4, 1.5), "split", fill="white", edge=INK)
            arrow(axes, (before, y), (15.0, y))
            arrow(axes, (17.4, y), (end - 1.6, y), colour=CHANGED)
            axes.text(18.5, y + 0.25, "half leaves", fontsize=9, color=CHANGED, ha="center")
            turn = y - 1.75
            below = y - 3.6 + 0.75
            path(axes, [(16.2, y - 0.75), (16.2, turn), (1.6, turn), (1.6, below)], colour=KEPT)
            axes.text(9.0, turn + 0.18, f"half goes on: {label}", fontsize=9, color=KEPT)
        box(
            axes,
            (end, y),
            (3.2, 1.5),
            f"$z_{number + 1}$\n{label}",
            fill=CHANGED_TINT,
            edge=CHANGED,
        )
    return figure


def _levels() -> list[tuple[list[tuple[int, ...]], list[int]]]:
    """Of each level, the shapes it passes and how many couplings it has of each kind."""
    from tfp_flows import bijectors, flows

    flow = flows.realnvp_image(
        event_shape=_SHAPE, num_levels=_LEVELS, hidden_units=(1,), seed=0, alpha=None
    )
    members = flow.bijector.bijectors
    scales = next(member for member in members if isinstance(member, bijectors.MultiScale))
    found = []
    for level in scales.levels:
        shapes, couplings = [level.event_shape], [0]
        for member in level.bijectors:
            if isinstance(member, bijectors.Squeeze):
                shapes.append(member.latent_shape)
                couplings.append(0)
            couplings[-1] += isinstance(member, bijectors.Coupling)
        found.append((shapes, couplings))
    return found


def _words(shape: tuple[int, ...]) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(map(str, shape))
