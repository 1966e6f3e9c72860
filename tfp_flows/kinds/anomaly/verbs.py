"""What an inspector is for: scores, maps and p-values of pictures, and figures where labels are."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.kinds.anomaly.settings import SCORES
from tfp_flows.options import OUTPUT, TABLES, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note, result_console, tracked

_BATCH = 32
_NARROWEST = 110


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Options of `score`."""

    data: str = option(argument=True, metavar="DATA", help="A folder of pictures, or one picture.")
    output: Path = option(**OUTPUT, help=TABLES)
    maps: Path | None = option(
        None, metavar="FOLDER", help="Folder for a heat map of each picture."
    )
    false_alarms: float | None = option(
        None, metavar="RATE", shown="that of the fit", help="Another rate of false alarms."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Options of `evaluate`."""

    data: str = option(
        argument=True,
        metavar="DATA",
        help="A tree with test, or a folder with a folder for each type, [bold]good[/bold] and "
        "one of each defect.",
    )
    output: Path = option(**OUTPUT, help="Page of pictures to write: picture, mask, heat map.")
    masks: Path | None = option(
        None, metavar="FOLDER", shown="ground_truth beside", help="Folder of the masks."
    )
    figures: Path | None = option(None, metavar="FILE", help="File for the figures, .json.")
    rows: int = option(12, metavar="N", min=1, help="Pictures on the page.")


def score(run: Run, options: ScoreOptions) -> list[Path]:
    """Write for each picture its scores, a p-value, and whether it is called bad.

    `alarm` is 1 above the threshold of the fit. The p-value is conformal: of good parts like those
    held out, at most a share of 0.05 has one of 0.05 or less. What cannot be read keeps its row,
    without numbers.
    """
    from tfp_flows import datasets, plotting
    from tfp_flows.anomaly.pictures import any_pictures

    datasets.check_output(options.output)
    model, at = run.model, _threshold(run, options.false_alarms)
    pictures = any_pictures(Path(options.data))
    shape = (*model.backbone.size, model.backbone.channels)
    for remark in pictures.remarks_on(shape, run.settings.background):
        note(remark)
    names, measure = pictures.names, run.settings.score.partition("_")[0]
    column, written = SCORES.index(run.settings.score), [options.output]
    scores = np.full((len(names), len(SCORES)), np.nan)
    batches = pictures.batches(shape, _BATCH, run.settings.background)
    for places, read in tracked(batches, "Scoring", -(-len(names) // _BATCH)):
        judged = model.judge(read)
        scores[places] = judged.scores
        if options.maps is None:
            continue
        from tfp_flows.kinds.anomaly.pages import overlay

        for place, picture, heat in zip(places, read, judged.maps[measure], strict=True):
            path = options.maps / Path(names[place]).with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            facts = pictures.facts[pictures.files[place]]
            image = _resized(overlay(model, picture, heat, run.settings.score), facts)
            plotting.save_image(image, path)
    known = np.isfinite(scores[:, column])
    for name, reason in pictures.skipped.items():
        note(f"{name} is kept as a row without numbers. {reason}")
    values = np.full((len(names), 3), np.nan)
    values[:, 0] = scores[:, column]
    values[known, 1] = model.p_values(scores[known, column], run.settings.score)
    values[known, 2] = scores[known, column] > at["value"]
    others = [i for i in range(len(SCORES)) if i != column]
    datasets.save_table(
        options.output,
        np.concatenate([values, scores[:, others]], axis=1),
        [run.settings.score, "p_value", "alarm", *(SCORES[i] for i in others)],
        labels=names,
        label_column="file",
    )
    result_console().print(
        f"{int(values[known, 2].sum()):,} of {known.sum():,} pictures are called bad: "
        f"{run.settings.score} above {at['value']:.4g}, for at most "
        f"{100 * at['false_alarms']:g} % false alarms by {at['held_out']:,} held-out good parts."
    )
    return written if options.maps is None else [*written, options.maps]


def evaluate(run: Run, options: EvaluateOptions) -> list[Path]:
    """Say how well defects are told from good parts, by type, where types and masks are known."""
    from tfp_flows import plotting
    from tfp_flows.anomaly.pictures import labelled_pictures

    plotting.check_picture(options.output)
    if options.figures is not None and options.figures.suffix != ".json":
        raise InputError(f"--figures is {options.figures}; give a .json file.")
    model = run.model
    labelled = labelled_pictures(Path(options.data), options.masks)
    from tfp_flows.kinds.anomaly import evaluation, pages

    found = evaluation.look(model, labelled, run.settings.background)
    for name, reason in labelled.pictures.skipped.items():
        note(f"{name} is left out. {reason}")
    figures = evaluation.figures(found, run.settings.score, _threshold(run, None))
    console = result_console()
    console.width = max(console.width, _NARROWEST)
    for line in evaluation.lines(figures):
        console.print(line)
    rows = evaluation.rows(model, labelled, found, run.settings.score, options.rows)
    plotting.save_figure(pages.page(rows), options.output)
    written = [options.output]
    if options.figures is not None:
        with atomic_path(options.figures) as temporary:
            temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        written.append(options.figures)
    return written


def _threshold(run: Run, false_alarms: float | None) -> dict[str, Any]:
    held = len(run.model.calibration.scores)
    rate = run.settings.false_alarms if false_alarms is None else false_alarms
    value = run.model.threshold(rate, run.settings.score)
    return {"false_alarms": rate, "value": value, "held_out": held}


def _resized(image: np.ndarray, facts) -> np.ndarray:
    from PIL import Image

    whole = Image.fromarray(image).resize((facts.width, facts.height), Image.Resampling.BILINEAR)
    return np.asarray(whole)


SCORE = Verb(score, ScoreOptions, "tfp-flows score run pictures -o scores.csv --maps maps")
EVALUATE = Verb(evaluate, EvaluateOptions, "tfp-flows evaluate run tiles -o page.png")
