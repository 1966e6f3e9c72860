"""Pictures of a posterior: marginals, pairs, importance weights."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows import plotting
from tfp_flows.flows.catalogue import GAUSSIANS
from tfp_flows.vi import psis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfp_flows.vi.posterior import Posterior

_DRAWS = 10_000
_PAIRS = 6


def figures(posterior: "Posterior", seed: int, title: str) -> Iterator[tuple[str, "Figure"]]:
    """Names and figures, the main one first; those with weights where there is the model."""
    columns = [element for element, _, _ in posterior.parts.elements()]
    flow = rows(posterior, posterior.sample(_DRAWS, seed))
    shown = {"flow": flow}
    if posterior.name not in GAUSSIANS:
        shown["Gaussian at the start"] = rows(posterior, posterior.gaussian(_DRAWS, seed))
    weighted = None
    if posterior.target is not None:
        weighted = rows(posterior, posterior.importance_resample(_DRAWS, seed))
        shown["flow, by its weights"] = weighted
    yield "marginals.png", plotting.plot_marginals(shown, columns=columns, title=title)
    yield (
        "pairs.png",
        plotting.plot_corner(
            weighted,
            flow,
            columns=columns,
            max_columns=_PAIRS,
            labels=("by its weights", "flow"),
            title=title,
        ),
    )
    if posterior.target is not None:
        log_weights = posterior.log_weights
        figure = plotting.plot_weights(log_weights, *psis.smoothed(log_weights), title=title)
        yield "weights.png", figure


def rows(posterior: "Posterior", structure) -> np.ndarray:
    """Draws as a table ``[n, elements]``."""
    return np.concatenate(
        [leaf.reshape(len(leaf), -1) for leaf in posterior.by_name(structure).values()], axis=1
    )
