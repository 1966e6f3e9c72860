"""Pictures of what an inspector sees: heat maps, pages, scores of held-out parts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.anomaly import SCORES, Inspector
from tfp_flows.plotting._style import DATA_COLOUR, MODEL_COLOUR, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS, _OPACITY = "inferno", 0.6
_CELL = 1.5


def overlay(inspector: Inspector, picture: np.ndarray, heat: np.ndarray, score: str) -> np.ndarray:
    """A picture with its heat map laid over.

    Colours begin at a middling place of held-out parts; a high one of them has two fifths of the
    way, and beyond it goes on with the logarithm. They mean the same in all pictures of a run.

    Args:
        inspector: The calibrated model.
        picture: Bytes ``[height, width, 1 or 3]``.
        heat: ``[height, width]``, of the measure of the score.
        score: One of `SCORES`.

    Returns:
        Bytes ``[height, width, 3]``.
    """
    import matplotlib

    low, high = inspector.calibration.ranges[score.partition("_")[0]]
    steps = np.log1p(np.maximum(heat - low, 0) / max(high - low, 1e-12))
    strength = steps / (1 + steps)
    colours = 255 * matplotlib.colormaps[_COLOURS](strength)[..., :3]
    mixed = _OPACITY * colours + (1 - _OPACITY) * np.broadcast_to(picture, (*heat.shape, 3))
    return mixed.round().astype(np.uint8)


def oddest(
    inspector: Inspector, batches: Sequence[tuple[Any, np.ndarray]], score: str, count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pictures with the highest scores, each with its `overlay`."""
    column, found = SCORES.index(score), []
    for _, pictures in batches:
        judged = inspector.judge(pictures)
        heats = judged.maps[score.partition("_")[0]]
        found += zip(judged.scores[:, column], pictures, heats, strict=True)
        found = sorted(found, key=lambda one: -one[0])[:count]
    return [(picture, overlay(inspector, picture, heat, score)) for _, picture, heat in found]


def held_out(
    inspector: Inspector,
    at: Mapping[str, Any],
    shown: list[tuple[np.ndarray, np.ndarray]] | None,
) -> "Figure":
    """Scores of held-out good parts with the threshold, and the oddest of these parts."""
    scores = inspector.calibration.scores[:, SCORES.index(at["score"])]
    count = len(shown or ())
    figure = new_figure(max(6.0, _CELL * count), 3.0 + (2.2 * _CELL if count else 0), None)
    rows = figure.subfigures(2, 1, height_ratios=[3.0, 2.2 * _CELL]) if count else [figure]
    axes = rows[0].subplots()
    axes.hist(scores, bins=30, color=DATA_COLOUR)
    axes.axvline(at["value"], color=MODEL_COLOUR)
    axes.set_xlabel(at["score"], fontsize=9)
    axes.set_title(
        f"{len(scores)} held-out good parts; threshold for {100 * at['false_alarms']:g} % false "
        "alarms",
        fontsize=10,
    )
    tidy(axes)
    if count:
        grid = rows[1].subplots(2, count, squeeze=False)
        for column, pair in enumerate(shown):
            for cell, image in zip(grid[:, column], pair, strict=True):
                _show(cell, image)
        rows[1].suptitle("the oddest of them, with their heat maps", fontsize=10)
    return figure


def page(rows: Sequence[tuple[str, np.ndarray, np.ndarray | None, np.ndarray]]) -> "Figure":
    """Pictures, masks and heat maps side by side.

    Args:
        rows: A title, the picture, its mask (None for none) and the overlay of each.
    """
    columns = 2 if len(rows) > 6 else 1
    height = -(-len(rows) // columns)
    figure = new_figure(3.2 * _CELL * columns, 1.25 * _CELL * height, None)
    grid = figure.subplots(height, 3 * columns, squeeze=False)
    for cell in grid.ravel():
        cell.axis("off")
    for place, (title, picture, mask, heat) in enumerate(rows):
        row, column = place % height, place // height
        cells = grid[row, 3 * column : 3 * column + 3]
        _show(cells[0], picture)
        cells[0].set_title(title, fontsize=7)
        if mask is not None:
            _show(cells[1], np.where(mask[..., None], 255, 0).astype(np.uint8))
        _show(cells[2], heat)
    return figure


def _show(axes, image: np.ndarray) -> None:
    axes.imshow(np.broadcast_to(image, (*image.shape[:2], 3)))
    axes.axis("off")
