"""The masks of a MADE as matrices, and what reaches what through them."""

import itertools
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.figures._drawing import CHANGED, KEPT, QUIET
from tfp_flows.plotting._style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE, _HIDDEN = 5, (8, 8)


def draw() -> "Figure":
    """Draws the three masks of a small network, and their product."""
    from tfp_flows.networks import AutoregressiveNetwork

    network = AutoregressiveNetwork(1, event_shape=_SIZE, hidden_units=_HIDDEN)
    inputs, *hidden = network.degrees
    # Rows are what a layer computes, columns what it sees: the matrices of y = W x.
    degrees = [inputs, *hidden]
    pairs = itertools.pairwise(degrees)
    masks = [after[:, None] >= before[None, :] for before, after in pairs]
    masks.append(inputs[:, None] > hidden[-1][None, :])
    reach = masks[2].astype(int) @ masks[1] @ masks[0]

    figure = new_figure(10.6, 3.9, None)
    widths = [mask.shape[1] for mask in masks] + [_SIZE]
    panels = figure.subplots(1, 4, width_ratios=widths)
    for i, (axes, mask) in enumerate(zip(panels, masks, strict=False)):
        rows = inputs if i == 2 else hidden[i]
        _matrix(axes, mask, rows, degrees[i], KEPT)
        axes.set_title(f"$M_{i + 1}$", fontsize=13)
        axes.set_xlabel(("inputs $x$", "hidden units $h_1$", "hidden units $h_2$")[i], fontsize=10)
    sides = ("hidden units $h_1$", "hidden units $h_2$", "outputs")
    for axes, side in zip(panels, sides, strict=False):
        axes.set_ylabel(side, fontsize=10)
    _matrix(panels[3], reach > 0, inputs, inputs, CHANGED)
    for (row, column), paths in np.ndenumerate(reach):
        if paths:
            panels[3].text(
                column, row, str(paths), ha="center", va="center", color="white", fontsize=9
            )
    panels[3].set_title("$M_3 M_2 M_1$", fontsize=13)
    panels[3].set_xlabel("inputs $x$", fontsize=10)
    panels[3].set_ylabel("outputs", fontsize=10)
    figure.supxlabel(
        "Numbers at the edges are degrees; in the last matrix, paths from an input to an output.",
        fontsize=10,
        color=QUIET,
    )
    return figure


def _matrix(axes, mask, rows, columns, colour) -> None:
    from matplotlib.colors import ListedColormap

    axes.imshow(mask.astype(float), cmap=ListedColormap(["#f4f4f4", colour]), vmin=0, vmax=1)
    axes.set_xticks(range(len(columns)), [str(degree) for degree in columns], fontsize=9)
    axes.set_yticks(range(len(rows)), [str(degree) for degree in rows], fontsize=9)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
