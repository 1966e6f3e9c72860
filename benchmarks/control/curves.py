"""Learning curves with bands, a panel for each environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.control.cells import LEARNERS
from benchmarks.control.report import band, done
from tfp_flows.plotting import save_figure
from tfp_flows.plotting._style import new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#26547c", "#e4572e", "#3a8f5c", "#666666", "#7fb2d9", "#f3a683", "#b0b0b0")


def draw(runs: Mapping[str, Any]) -> "Figure | None":
    """Mean returns over steps, a line for each agent, with the bands of `band`.

    Args:
        runs: By environment, agent and seed what the worker returned.

    Returns:
        A figure, or None if no run came to an end.
    """
    drawn = {
        name: {learner: results for learner in learners if (results := done(learners[learner]))}
        for name, learners in runs.items()
    }
    drawn = {name: learners for name, learners in drawn.items() if learners}
    if not drawn:
        return None
    columns = min(len(drawn), 2)
    rows = -(-len(drawn) // columns)
    figure = new_figure(6.0 * columns, 3.8 * rows, None)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    colours = dict(zip(LEARNERS, _COLOURS, strict=True))
    for axes, (name, learners) in zip(panels, drawn.items(), strict=False):
        for learner, results in learners.items():
            points = list(zip(*(result["curve"] for result in results), strict=True))
            steps = [point[0]["steps"] for point in points]
            middles, errors = zip(*map(band, points), strict=True)
            label = f"{LEARNERS[learner].title} ({len(results)})"
            marker = "o" if len(steps) < 3 else None
            axes.plot(steps, middles, color=colours[learner], label=label, marker=marker, ms=3.5)
            if None not in errors:
                low = [m - e for m, e in zip(middles, errors, strict=True)]
                high = [m + e for m, e in zip(middles, errors, strict=True)]
                axes.fill_between(steps, low, high, color=colours[learner], alpha=0.15, linewidth=0)
        axes.set_title(name, fontsize=10)
        axes.set(xlabel="steps in the environment", ylabel="mean return")
        axes.legend(fontsize=8, frameon=False, title="agent (seeds)", title_fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        tidy(axes)
    for axes in panels[len(drawn) :]:
        axes.remove()
    return figure


def write(path: Path, runs: Mapping[str, Any]) -> bool:
    """Replaces the picture beside the report, if there is anything to draw.

    Args:
        path: The JSON file; the picture has the suffix ``.png``.
        runs: See `draw`.

    Returns:
        Whether there was.
    """
    figure = draw(runs)
    if figure is not None:
        save_figure(figure, path.with_suffix(".png"))
    return figure is not None
