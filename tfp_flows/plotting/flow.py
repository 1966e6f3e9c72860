"""A flow in the picture that its number of columns asks for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.plotting.corner import plot_corner
from tfp_flows.plotting.line import plot_flow_1d
from tfp_flows.plotting.plane import plot_flow_2d

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_flow(
    flow,
    data: np.ndarray | None,
    *,
    samples: np.ndarray,
    columns: Sequence[str],
    title: str | None = None,
) -> "Figure":
    """Draws a flow beside data.

    Args:
        flow: A flow over ``[..., D]``.
        data: ``[n, D]``; None draws the flow alone.
        samples: ``[m, D]``, samples of the flow.
        columns: One name for each column.
        title: Title of the figure.

    Returns:
        Density and histograms of one column; data, samples and density of two; a corner plot of
        more.
    """
    if len(columns) > 2:
        return plot_corner(data, samples, columns=columns, title=title)
    if len(columns) == 2:
        return plot_flow_2d(flow, data, samples=samples, columns=columns, title=title)
    return plot_flow_1d(flow, data, samples=samples, column=columns[0], title=title)
