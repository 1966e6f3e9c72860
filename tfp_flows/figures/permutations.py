"""Which entries a stack of couplings changes, with and without a permutation between them."""

from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.figures._drawing import INK, KEPT, QUIET
from tfp_flows.plotting._style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE, _LAYERS = 6, 4


def draw() -> "Figure":
    """Draws on how many inputs each entry depends, after each of four couplings."""
    from tfp_flows.bijectors import Permutation, coupling_mask

    half = coupling_mask("half", _SIZE)
    reverse = Permutation(event_shape=_SIZE, permutation="reverse").permutation
    shuffle = [
        Permutation(event_shape=_SIZE, permutation="random", seed=i).permutation
        for i in range(_LAYERS)
    ]
    kinds = {
        "no permutation": [None] * _LAYERS,
        "reversed after each": [reverse] * _LAYERS,
        "shuffled after each": shuffle,
    }
    figure = new_figure(10.6, 3.9, None)
    for axes, (title, orders) in zip(figure.subplots(1, 3), kinds.items(), strict=True):
        _panel(axes, _dependences(half, orders), title)
    figure.supxlabel(
        "Number in a cell: on how many inputs the entry depends. "
        "Grey: still as it came from the latent, whatever the weights are.",
        fontsize=10,
        color=QUIET,
    )
    return figure


def _dependences(mask: np.ndarray, orders) -> np.ndarray:
    """``[layers + 1, size]``: inputs that reach an entry; 0 where it is an input as it came."""
    reached = np.eye(_SIZE, dtype=bool)
    changed = np.zeros(_SIZE, bool)
    rows = [np.zeros(_SIZE, int)]
    for order in orders:
        # What is changed depends on itself and on all that passes.
        reached = np.where(mask[:, None], reached, reached | reached[mask].any(axis=0))
        changed = changed | ~mask
        if order is not None:
            reached, changed = reached[order], changed[order]
        rows.append(np.where(changed, reached.sum(axis=1), 0))
    return np.array(rows)


def _panel(axes, counts: np.ndarray, title: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    scale = LinearSegmentedColormap.from_list("reach", ["#dbe6f0", KEPT])
    scale = scale.with_extremes(bad="#e8e8e8")
    shown = np.ma.masked_equal(counts.T, 0)
    axes.imshow(shown, cmap=scale, vmin=1, vmax=_SIZE)
    for (entry, layer), count in np.ndenumerate(counts.T):
        words, colour = (str(count), "white" if count > 3 else INK) if count else ("", INK)
        axes.text(layer, entry, words, ha="center", va="center", color=colour, fontsize=10)
    axes.set_title(title, fontsize=12)
    names = ["latent", *(f"{i}" for i in range(1, _LAYERS + 1))]
    axes.set_xticks(range(_LAYERS + 1), names, fontsize=9)
    axes.set_yticks(range(_SIZE), [f"{i + 1}" for i in range(_SIZE)], fontsize=9)
    axes.set_xlabel("coupling", fontsize=10)
    axes.set_ylabel("entry", fontsize=10)
    axes.set_xticks(np.arange(_LAYERS + 2) - 0.5, minor=True)
    axes.set_yticks(np.arange(_SIZE + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
