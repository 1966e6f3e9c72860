"""The commands `sample`, `score` and `plot`: what a fitted flow is for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows import datasets
from tfp_flows.cli import folder, source
from tfp_flows.cli.fit import split_rows
from tfp_flows.cli.settings import FitSettings
from tfp_flows.errors import InputError
from tfp_flows.terminal import import_tensorflow, note

if TYPE_CHECKING:
    from tfp_flows.flows import Flow


class Run(NamedTuple):
    """A finished run: its folder and the content of its ``metrics.json``."""

    path: Path
    metrics: dict[str, Any]
    columns: list[str]
    named: bool
    settings: FitSettings


def open_run(path: Path) -> Run:
    """Reads the record of a finished run.

    Raises:
        InputError: If the folder is not one, or the fit in it is not finished.
    """
    if not path.is_dir():
        raise InputError(f"There is no folder {path}; give the --out of a tfp-flows fit.")
    if (path / folder.SETTINGS).exists():
        raise InputError(
            f"The fit in {path} is not finished; finish it with tfp-flows fit --resume --out {path}"
        )
    record = path / folder.METRICS
    if not record.exists():
        raise InputError(f"{path} holds no {folder.METRICS}; give the --out of a tfp-flows fit.")
    metrics = folder.read_json(record)
    try:
        data = metrics["data"]
        settings = FitSettings.from_json(metrics["settings"], record)
        return Run(path, metrics, [str(name) for name in data["columns"]], data["named"], settings)
    except (KeyError, TypeError):
        raise InputError(f"{record} is not a record of tfp-flows fit.") from None


def load_flow(run: Run) -> "Flow":
    """Loads the flow of a run.

    Raises:
        InputError: If the model is missing, damaged or of another kind.
    """
    import_tensorflow()
    from tfp_flows import models

    path = run.path / folder.MODEL
    model = models.load(path, compile=False)
    if not isinstance(model, models.FlowModel) or model.flow.event_shape != [len(run.columns)]:
        raise InputError(f"{path} is not the model that belongs to {run.path / folder.METRICS}.")
    return model.flow


def sample(path: Path, count: int, output: Path, seed: int) -> None:
    """Writes samples, under the column names of the data.

    Raises:
        InputError: If run or output are not usable.
    """
    run = open_run(path)
    datasets.check_output(output)
    flow = load_flow(run)
    from tfp_flows.cli.evaluation import draw

    values = draw(flow, count, seed)
    strange = int((~np.isfinite(values).all(axis=1)).sum())
    if strange:
        note(f"{strange:,} of {count:,} samples are not finite.")
    datasets.save_table(output, values, run.columns)


def score(path: Path, data: str, output: Path, *, drop_invalid: bool, key: str | None) -> None:
    """Writes the log-density in nats of each row.

    Raises:
        InputError: If run, data or output are not usable.
    """
    run = open_run(path)
    datasets.check_output(output)
    table = datasets.load_matching(
        data, run.columns, named=run.named, drop_invalid=drop_invalid, key=key
    )
    flow = load_flow(run)
    from tfp_flows.cli.evaluation import log_density

    scores = log_density(flow, table.values)[:, None]
    if not drop_invalid:
        datasets.save_table(output, scores, ["log_prob"])
        return
    if table.dropped:
        note(f"{table.dropped:,} rows with empty, NaN or infinite cells were dropped.")
    numbered = np.hstack([table.rows[:, None], scores.astype(np.float64)])
    datasets.save_table(output, numbered, ["row", "log_prob"])


def plot(path: Path, data: str | None, output: Path | None) -> list[Path]:
    """Draws the pictures of a run again.

    Args:
        path: Folder of the run.
        data: File of data to draw; the test rows of the run if None and its data still exist.
        output: File of the one picture to draw; None draws all pictures into the folder.

    Returns:
        The files written.

    Raises:
        InputError: If run, data or output are not usable.
    """
    run = open_run(path)
    if data is not None:
        values = datasets.load_matching(data, run.columns, named=run.named).values
    else:
        values = _test_rows(run)
    flow = load_flow(run)
    from tfp_flows import plotting
    from tfp_flows.cli.pictures import draw_curve, draw_flow, picture_name

    name = Path(run.settings.data if data is None else data).name
    title = f"{run.settings.flow} on {name}"
    seed = run.settings.seed
    figure = draw_flow(flow, values, run.columns, title=title, seed=seed)
    target = path / picture_name(len(run.columns)) if output is None else output
    written = [plotting.save_figure(figure, target)]
    if output is None:
        written.append(draw_curve(path, run.metrics["training"]["history"], title))
    return written


def _test_rows(run: Run) -> np.ndarray | None:
    try:
        table = source.load(run.settings)
    except InputError as error:
        note(f"only samples are drawn. {error}")
        return None
    if source.digest(table) != run.metrics["data"].get("digest"):
        note(f"only samples are drawn: {run.settings.data} has changed since the fit.")
        return None
    return split_rows(table, run.settings).test
