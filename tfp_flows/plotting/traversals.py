"""What each latent of an autoencoder does to a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.plotting._style import new_figure, tidy
from tfp_flows.plotting.grid import image_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAP = 2


def plot_traversals(
    vae,
    pictures: np.ndarray,
    context: np.ndarray | None = None,
    *,
    hold: int = 0,
    latents: Sequence[int] | None = None,
    count: int = 8,
    columns: int = 9,
    span: tuple[float, float] = (-2.5, 2.5),
    seed: int = 0,
    title: str | None = None,
) -> "Figure":
    """Decoded pictures: along each row one latent moves, the others stay where a picture has them.

    Source: Higgins et al. 2017, beta-VAE, figures 1 to 4.

    Args:
        vae: A `tfp_flows.models.VAE` of pictures, whose means are numbers from 0 to 1; what is
            beyond is clipped.
        pictures: ``[n, height, width, 1 or 3]``: one of them is held, and all say how much each
            latent tells of data, as nats beside its row (`VAE.latent_kl`).
        context: ``[n, *context_shape]``, or labels ``[n]``, if there are some; that of the held
            picture is held too.
        hold: Which picture is held, by the means of its latents.
        latents: Which latents are moved, a row each; by default those that tell most.
        count: How many by default.
        columns: Places along a row.
        span: First and last place, in standard deviations of the prior about its mean.
        seed: Of the draws that moments are measured by.
        title: Of the whole.

    Raises:
        InputError: If data are no pictures, or there is no such picture or latent.
    """
    pictures = np.asarray(pictures)
    if pictures.ndim != 4 or pictures.shape[3] not in (1, 3):
        raise InputError(
            f"Traversals need pictures [n, height, width, 1 or 3], got {pictures.shape}."
        )
    if not 0 <= hold < len(pictures):
        raise InputError(f"hold is {hold}; there are {len(pictures)} pictures, from 0 on.")
    if columns < 2 or count < 1:
        raise InputError(
            f"A row takes 2 columns at least, and a figure 1 row; got {columns=} and {count=}."
        )
    told = vae.latent_kl(pictures, context, seed=seed)
    rows = np.argsort(-told, kind="stable")[:count] if latents is None else np.asarray(latents)
    if rows.ndim != 1 or not rows.size or not set(rows.tolist()) <= set(range(len(told))):
        raise InputError(f"latents are {latents}; give some of 0 to {len(told) - 1}.")
    own = None if context is None else np.asarray(context)[hold : hold + 1]
    start = vae.encode(pictures[hold : hold + 1], own, seed=seed)
    loc, scale = vae.prior_moments(seed)
    z = np.repeat(start, len(rows) * columns, axis=0).reshape(len(rows), columns, -1)
    places = np.linspace(*span, columns)
    for row, latent in zip(z, rows, strict=True):
        row[:, latent] = loc[latent] + scale[latent] * places
    many = None if own is None else np.repeat(own, len(rows) * columns, axis=0)
    means = vae.decode(z.reshape(len(rows) * columns, -1), many)
    shown = np.round(255 * np.clip(means, 0, 1)).reshape(len(rows), columns, *pictures.shape[1:])
    height, width = pictures.shape[1] + _GAP, pictures.shape[2] + _GAP
    figure = new_figure(0.7 * columns + 0.9, 0.7 * len(rows) * height / width + 0.5, title)
    lines = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, row, latent in zip(lines, shown, rows, strict=True):
        axes.imshow(image_grid(row, columns=columns, gap=_GAP), interpolation="nearest")
        axes.set_yticks([])
        axes.set_xticks([])
        axes.set_ylabel(
            f"{latent}\n{told[latent]:.2f} nats", fontsize=8, rotation=0, ha="right", va="center"
        )
        tidy(axes)
    ticks = width * np.arange(columns) + (width - _GAP - 1) / 2
    lines[-1].set_xticks(ticks, [f"{place:.3g}" for place in places])
    return figure
