"""What a finished fit leaves: model, measures, pictures, and a few lines on the screen."""

import dataclasses
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from rich.table import Table as TextTable

from tfp_flows import keras_worlds, plotting
from tfp_flows._version import __version__
from tfp_flows.cli import folder, source
from tfp_flows.cli.evaluation import HOPELESS, Gaussian, log_density, summary
from tfp_flows.cli.pictures import draw_curve, draw_flow, picture_name
from tfp_flows.cli.settings import FitSettings
from tfp_flows.datasets import Splits, Table
from tfp_flows.files import atomic_path
from tfp_flows.models import FlowModel, ResumableTraining
from tfp_flows.terminal import note, result_console


def write(
    model: FlowModel,
    settings: FitSettings,
    run: Path,
    table: Table,
    splits: Splits,
    training: ResumableTraining,
) -> None:
    """Measures the model on the test rows, writes the files of the run and prints the result.

    Raises:
        InputError: If a file cannot be written.
    """
    metrics = _metrics(model, settings, table, splits, training)
    with atomic_path(run / folder.MODEL) as temporary:
        model.save(temporary)
    if settings.plots:
        name = Path(settings.data).name
        title = f"{settings.flow} on {name}"
        draw_curve(run, metrics["training"]["history"], title)
        figure = draw_flow(model.flow, splits.test, table.columns, title=title, seed=settings.seed)
        plotting.save_figure(figure, run / picture_name(len(table.columns)))
    # Last: a folder with metrics is a folder with everything.
    folder.write_json(run / folder.METRICS, metrics)
    _print(metrics, settings, run)


def _metrics(model, settings, table, splits, training) -> dict[str, Any]:
    size = len(table.columns)
    scores = log_density(model.flow, splits.test)
    hopeless = int((~(scores > HOPELESS)).sum())
    if hopeless:
        note(
            f"{hopeless} of {len(scores)} test rows have practically no density (below "
            f"{HOPELESS:g} nats) and rule the mean; they lie beyond all that the flow has learned."
        )
    gaussian = Gaussian.fit(splits.train)
    if gaussian is None:
        note("a column is a linear function of others, so the data have no density.")
        baseline = gain = None
    else:
        baseline_scores = gaussian.log_density(splits.test)
        baseline, gain = summary(baseline_scores, size), summary(scores - baseline_scores)
    history = {
        name: [value if math.isfinite(value) else None for value in values]
        for name, values in training.history.items()
    }
    return {
        "settings": dataclasses.asdict(settings),
        "data": {
            "source": settings.data,
            "columns": list(table.columns),
            "named": table.named,
            "rows": len(table.values),
            "dropped": table.dropped,
            "digest": source.digest(table),
        },
        "splits": {name: len(part) for name, part in splits._asdict().items()},
        "flow": {
            "name": settings.flow,
            "trainable_parameters": sum(math.prod(v.shape) for v in model.flow.trainable_variables),
        },
        "test": summary(scores, size) | {"rows_without_density": hopeless},
        "gaussian": baseline,
        "gain_over_gaussian": gain,
        "training": {
            "epochs": training.epoch,
            "best_epoch": training.best_epoch,
            "best_validation_nats": -training.best,
            "stopped_early": training.stopped,
            "seconds": sum(training.history["seconds"]),
            "history": history,
        },
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of all that a result depends on."""
    return {
        "tfp_flows": __version__,
        "tensorflow": tf.__version__,
        "tensorflow_probability": tfp.__version__,
        keras_worlds.KERAS_NAME: keras_worlds.version(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _print(metrics, settings, run) -> None:
    console = result_console()
    training, splits = metrics["training"], metrics["splits"]
    console.print(
        f"{settings.flow}: {metrics['flow']['trainable_parameters']:,} parameters, "
        f"{splits['train']:,} training rows, {training['epochs']} epochs in "
        f"{training['seconds']:.0f} s, best epoch {training['best_epoch']}."
    )
    console.print(f"Log-likelihood of {splits['test']:,} held-out rows:")
    table = TextTable(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("nats per row (± 2 s.e.)", justify="right")
    table.add_column("bits per dimension", justify="right")
    for name, row in ((settings.flow, metrics["test"]), ("full Gaussian", metrics["gaussian"])):
        if row is not None:
            table.add_row(name, _nats(row), _number(row["bits_per_dim"]))
    if metrics["gain_over_gaussian"] is not None:
        table.add_row("difference", _nats(metrics["gain_over_gaussian"]), "")
    console.print(table)
    console.print(f"Written to {run}", markup=False)


def _nats(row: dict) -> str:
    error = row["standard_error_nats"]
    return f"{_number(row['mean_nats'])} ± {_number(None if error is None else 2 * error)}"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3f}" if abs(value) < 1e5 else f"{value:.3g}"
