"""The command `fit`: from data to a folder with model, figures and measures."""

import dataclasses
from pathlib import Path
from typing import Any

import typer

from tfp_flows import datasets
from tfp_flows.cli import folder, source
from tfp_flows.cli.recipe import build_flow
from tfp_flows.cli.settings import FitSettings
from tfp_flows.datasets import Splits, Table
from tfp_flows.errors import InputError
from tfp_flows.terminal import INTERRUPTED, import_tensorflow, note


def new_fit(settings: FitSettings, run: Path, *, overwrite: bool) -> None:
    """Fits a flow to data and writes the folder of the run.

    Raises:
        InputError: If the data, an option or the folder is not usable.
    """
    folder.check_new(run, overwrite)
    table = source.load(settings)
    splits = split_rows(table, settings)
    import_tensorflow()
    size = table.values.shape[1]
    flow = build_flow(settings, size)
    for remark in source.remarks(table):
        note(remark)
    record = {"settings": dataclasses.asdict(settings), "digest": source.digest(table)}
    try:
        folder.start(run, record)
        _train_and_report(flow, settings, run, table, splits)
    except InputError:
        folder.abandon(run)
        raise
    except KeyboardInterrupt:
        say_how_to_resume(run)


def record_to_resume(run: Path) -> dict | None:
    """What an interrupted fit wrote when it began; None, with a note, if it is finished.

    Raises:
        InputError: If there is nothing to resume.
    """
    if not (run / folder.SETTINGS).exists():
        if (run / folder.METRICS).exists():
            note(f"{run} is finished; there is nothing to resume.")
            return None
        raise InputError(f"There is no fit to resume in {run}; leave --resume out to begin one.")
    folder.clear_temporaries(run)
    return folder.read_json(run / folder.SETTINGS)


def resumed_fit(given: dict[str, Any], run: Path, record: dict) -> None:
    """Goes on with a fit that was interrupted.

    Args:
        given: Settings that the user has repeated.
        run: Folder of the run.
        record: What the fit wrote when it began.

    Raises:
        InputError: If an option contradicts the saved ones, or the data have changed.
    """
    settings = FitSettings.from_json(record.get("settings", {}), run / folder.SETTINGS)
    for name, value in given.items():
        saved = getattr(settings, name)
        if saved != value:
            raise InputError(
                f"The fit in {run} was begun with {name.replace('_', '-')} {saved}, not {value}; "
                "leave that option out, or begin anew with --overwrite."
            )
    table = source.load(settings)
    if source.digest(table) != record.get("digest"):
        raise InputError(
            f"{settings.data} has changed since the fit in {run} was begun; begin anew with "
            "--overwrite."
        )
    import_tensorflow()
    flow = build_flow(settings, table.values.shape[1])
    try:
        _train_and_report(flow, settings, run, table, split_rows(table, settings))
    except KeyboardInterrupt:
        say_how_to_resume(run)


def split_rows(table: Table, settings: FitSettings) -> Splits:
    """The 80 % training, 10 % validation and 10 % test rows of a run, in the model's dtype."""
    return datasets.split(table.values.astype(settings.dtype), seed=settings.seed)


def _train_and_report(flow, settings, run, table, splits):
    # Both need TensorFlow, which takes seconds to import.
    from tfp_flows.cli import report, training

    model, progress = training.train(flow, settings, run, splits)
    report.write(model, settings, run, table, splits, progress)
    folder.finish(run)


def say_how_to_resume(run: Path) -> None:
    """Ends an interrupted fit: keeps its state, or removes what is of no use."""
    if (run / folder.STATE).exists():
        typer.echo(f"Interrupted; go on with: tfp-flows fit --resume --out {run}", err=True)
    else:
        folder.abandon(run)
        typer.echo("Interrupted before the end of the first epoch; nothing was kept.", err=True)
    raise typer.Exit(INTERRUPTED) from None
