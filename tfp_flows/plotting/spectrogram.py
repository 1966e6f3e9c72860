"""Pictures of spectrograms, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_spectrograms(
    rows: Sequence[tuple[str, Sequence[np.ndarray]]],
    columns: Sequence[str],
    *,
    seconds: float,
    hertz: tuple[float, float] | None = None,
    title: str | None = None,
) -> "Figure":
    """Log-spectrograms in rows and columns, all with the same colours.

    Args:
        rows: A name and spectrograms ``[frames, bands]``, one for each column.
        columns: What each column shows.
        seconds: From frame to frame.
        hertz: Lowest and highest frequency, for the label of the axis.
        title: Of the whole.

    Raises:
        InputError: If there are none, or a row has another number of spectrograms than columns.
    """
    if not rows or any(len(spectrograms) != len(columns) for _, spectrograms in rows):
        raise InputError(
            f"plot_spectrograms needs rows of {len(columns)} spectrograms, got "
            f"{[len(spectrograms) for _, spectrograms in rows]}."
        )
    every = [s for _, spectrograms in rows for s in spectrograms]
    low, high = (np.quantile(np.concatenate([s.ravel() for s in every]), q) for q in (0.01, 0.999))
    figure = new_figure(4.6 * len(columns), 2.0 * len(rows) + 0.6, title)
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for (name, spectrograms), line in zip(rows, grid, strict=True):
        for spectrogram, what, axes in zip(spectrograms, columns, line, strict=True):
            frames, bands = spectrogram.shape
            axes.imshow(
                spectrogram.T,
                origin="lower",
                aspect="auto",
                extent=(0, frames * seconds, 0, bands),
                vmin=low,
                vmax=high,
                cmap="magma",
                interpolation="nearest",
            )
            axes.set_title(f"{name}, {what}", fontsize=8)
            tidy(axes)
        edges = "" if hertz is None else f", {hertz[0]:g} to {hertz[1]:g} Hz"
        line[0].set_ylabel(f"mel band{edges}", fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("seconds", fontsize=8)
    return figure
