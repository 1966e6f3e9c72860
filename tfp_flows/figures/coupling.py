"""A coupling in both directions."""

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

_TOP, _MIDDLE, _BOTTOM = 4.1, 2.6, 1.1


def draw() -> "Figure":
    """Draws an affine coupling forward, from latent to data, and inverse."""
    figure = new_figure(11.0, 3.4, None)
    left, right = figure.subplots(1, 2)
    _side(
        left,
        "forward: latent to data",
        ("z", "x"),
        (r"$\times\, e^{s}$", "$+\\, t$"),
        r"$\log|\det| = \sum_i s_i$",
    )
    _side(
        right,
        "inverse: data to latent",
        ("x", "z"),
        ("$-\\, t$", r"$\times\, e^{-s}$"),
        r"$\log|\det| = -\sum_i s_i$",
    )
    return figure


def _side(axes, title: str, names: tuple[str, str], steps: tuple[str, str], log_det: str) -> None:
    start, end = names
    blank(axes, 9.4, 4.9)
    axes.set_title(title, fontsize=13)
    box(axes, (0.8, _TOP), (1.1, 0.9), f"${start}_A$", fill=KEPT_TINT, edge=KEPT, fontsize=14)
    box(axes, (0.8, _BOTTOM), (1.1, 0.9), f"${start}_B$", fill=CHANGED_TINT, edge=CHANGED)
    axes.texts[-1].set_fontsize(14)
    box(axes, (8.6, _TOP), (1.1, 0.9), f"${end}_A$", fill=KEPT_TINT, edge=KEPT, fontsize=14)
    box(axes, (8.6, _BOTTOM), (1.1, 0.9), f"${end}_B$", fill=CHANGED_TINT, edge=CHANGED)
    axes.texts[-1].set_fontsize(14)
    box(axes, (4.4, _MIDDLE), (3.9, 0.9), "network: $s, t$ from the part A", fontsize=10.5)
    arrow(axes, (1.35, _TOP), (8.05, _TOP), colour=KEPT)
    axes.text(4.7, _TOP + 0.22, "passes unchanged", ha="center", color=KEPT, fontsize=10)
    arrow(axes, (3.1, _TOP), (3.1, _MIDDLE + 0.45), colour=QUIET)
    places = (3.4, 5.6)
    arrow(axes, (1.35, _BOTTOM), (places[0] - 0.55, _BOTTOM), colour=CHANGED)
    arrow(axes, (places[0] + 0.55, _BOTTOM), (places[1] - 0.55, _BOTTOM), colour=CHANGED)
    arrow(axes, (places[1] + 0.55, _BOTTOM), (8.05, _BOTTOM), colour=CHANGED)
    for place, step in zip(places, steps, strict=True):
        box(axes, (place, _BOTTOM), (1.1, 0.8), step, fill="white", edge=CHANGED, fontsize=12)
        path(axes, [(place, _MIDDLE - 0.45), (place, _BOTTOM + 0.4)], colour=QUIET)
    axes.text(4.7, 0.15, log_det, ha="center", color=INK, fontsize=12)
