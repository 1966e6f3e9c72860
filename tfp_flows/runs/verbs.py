"""What runs of every kind can do."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.options import OUTPUT, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlotOptions:
    """Options of `plot`."""

    output: Path | None = option(
        None,
        **OUTPUT,
        shown="those in RUN are replaced",
        help="File of the main picture.",
    )


def redraw(run: Run, output: Path | None, find: Callable[[], Any | None]) -> list[Path]:
    """Draws the main picture into a file, or all into the folder of the run; gives the files.

    Args:
        run: The run.
        output: The file; None for the folder.
        find: Gives the source to draw, or None.
    """
    drawings = run.pictures(find)
    if output is not None:
        _, save = next(drawings)
        save(output)
        return [output]
    written = []
    for name, save in drawings:
        save(run.path / name)
        written.append(run.path / name)
    return written


def source_or_note(run: Run) -> Any | None:
    """What was fitted to; None, with a note, if it is gone or has changed."""
    try:
        return run.source()
    except InputError as error:
        note(f"only samples are drawn. {error}")
        return None


def plot(run: Run, options: PlotOptions) -> list[Path]:
    """Draw the pictures of a fitted flow again."""
    return redraw(run, options.output, lambda: source_or_note(run))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `export`."""

    output: Path = option(**OUTPUT, metavar="DIR", help="Folder to write.")
    format: str = option(
        "saved_model",
        choices=("saved_model", "tflite", "onnx"),
        help="TensorFlow with log_prob, sample and to_latent; or the density alone.",
    )
    overwrite: bool = option(False, help="Replace an earlier export in DIR.")


def export(run: Run, options: ExportOptions) -> list[Path]:
    """Write a fitted flow for programs that run without tfp-flows: a SavedModel, TFLite or ONNX."""
    model = run.model
    from tfp_flows import serving

    serving.check_target(options.output, options.overwrite)
    model.export(options.output, format=options.format, overwrite=options.overwrite)
    return [options.output]


PLOT = Verb(plot, PlotOptions, "tfp-flows plot run -o picture.pdf")
EXPORT = Verb(export, ExportOptions, "tfp-flows export run -o served/1")
