"""Boxes, arrows and grids, as the pictures share them.

All pictures are opaque, on white and with a margin: on paper the ground disappears, and on a dark
page each is a card of its own, with its inks as they were chosen.
"""

from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.plotting._style import DATA_COLOUR, MODEL_COLOUR, NOTE_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#222222"
KEPT_TINT, CHANGED_TINT, NETWORK_TINT = "#d5e3ee", "#fbdcd3", "#eeeeee"
KEPT, CHANGED, QUIET = DATA_COLOUR, MODEL_COLOUR, NOTE_COLOUR


def blank(axes: "Axes", width: float, height: float) -> None:
    """Turns axes into paper with square units, ``0 ... width`` by ``0 ... height``."""
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.axis("off")


def box(
    axes: "Axes",
    centre: tuple[float, float],
    size: tuple[float, float],
    label: str,
    *,
    fill: str = NETWORK_TINT,
    edge: str = QUIET,
    fontsize: float = 11,
) -> None:
    """A rounded box with a label."""
    from matplotlib.patches import FancyBboxPatch

    low = (centre[0] - size[0] / 2, centre[1] - size[1] / 2)
    style = "round,pad=0,rounding_size=0.12"
    axes.add_patch(
        FancyBboxPatch(low, *size, boxstyle=style, facecolor=fill, edgecolor=edge, linewidth=1.2)
    )
    axes.text(*centre, label, ha="center", va="center", fontsize=fontsize, color=INK)


def arrow(
    axes: "Axes",
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    colour: str = INK,
    bend: float = 0.0,
) -> None:
    """An arrow from one place to another."""
    style = {
        "arrowstyle": "-|>,head_width=0.22,head_length=0.4",
        "color": colour,
        "linewidth": 1.3,
        "shrinkA": 0,
        "shrinkB": 0,
        "connectionstyle": f"arc3,rad={bend}",
    }
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


def path(axes: "Axes", points: list[tuple[float, float]], *, colour: str = INK) -> None:
    """A line through points that ends in an arrow."""
    if len(points) > 2:
        axes.plot(*np.array(points[:-1]).T, color=colour, linewidth=1.3, solid_joinstyle="round")
    arrow(axes, points[-2], points[-1], colour=colour)


def grid_lines(low: float, high: float, lines: int, points: int = 121) -> list[np.ndarray]:
    """The lines of a square grid, each ``[points, 2]``, to be bent by a map of the plane."""
    along = np.linspace(low, high, points)
    places = np.linspace(low, high, lines)
    across = [np.stack([np.full_like(along, place), along], axis=-1) for place in places]
    return across + [line[:, ::-1] for line in across]


def numbers(axes: "Axes", fontsize: float = 8) -> None:
    """Small ticks in a quiet frame."""
    axes.tick_params(labelsize=fontsize, color="#999999", length=3)
    for spine in axes.spines.values():
        spine.set_color("#999999")
        spine.set_linewidth(0.8)
