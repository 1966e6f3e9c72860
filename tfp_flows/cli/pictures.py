"""The pictures of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows import plotting
from tfp_flows.cli import folder
from tfp_flows.cli.evaluation import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfp_flows.flows import Flow

_SAMPLES = 10_000


def picture_name(size: int) -> str:
    """Name of the picture of a flow over so many columns."""
    return folder.DENSITY if size <= 2 else folder.CORNER


def draw_flow(
    flow: "Flow", data: np.ndarray | None, columns: Sequence[str], *, title: str, seed: int
) -> "Figure":
    """Draws a flow beside data that it has not seen.

    Args:
        flow: A fitted flow over ``[..., D]``.
        data: ``[rows, D]``; None draws the flow alone.
        columns: One name for each column.
        title: Title of the figure.
        seed: Seed of the samples.

    Returns:
        Density and histograms for one column; data, samples and density for two; a corner plot
        for more.
    """
    if len(columns) > 2:
        samples = draw(flow, _SAMPLES, seed)
        return plotting.plot_corner(data, samples, columns=columns, title=title)
    # As many points as there are data, or the fuller panel looks the denser one.
    samples = draw(flow, _SAMPLES if data is None or len(columns) == 1 else len(data), seed)
    if len(columns) == 2:
        return plotting.plot_flow_2d(flow, data, samples=samples, columns=columns, title=title)
    return plotting.plot_flow_1d(flow, data, samples=samples, column=columns[0], title=title)


def draw_curve(run: Path, history: dict, title: str) -> Path:
    """Draws the training curve into the folder of a run."""
    losses = {
        name: [np.nan if value is None else value for value in history[name]]
        for name in ("loss", "val_loss")
    }
    figure = plotting.plot_training_curve(losses, title=title)
    return plotting.save_figure(figure, run / folder.CURVE)
