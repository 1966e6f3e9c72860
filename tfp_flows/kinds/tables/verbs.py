"""What a flow of a table is for: samples, scores of rows, pictures."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfp_flows import datasets
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.options import again, option
from tfp_flows.runs import verbs
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

_OUTPUT = {
    "names": ("--output", "-o"),
    "help": "File to write: .csv, .tsv, .npy, .npz or .parquet.",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Options of `sample`."""

    output: Path = option(**_OUTPUT)
    count: int = option(
        1000, names=("--count", "-n"), metavar="N", min=1, help="Number of samples."
    )
    seed: int = again(TableSettings, "seed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Options of `score`."""

    data: str = option(
        argument=True,
        metavar="DATA",
        help="File of rows; its columns are found by name, or must be as many as in the fit.",
    )
    output: Path = option(**_OUTPUT)
    key: str | None = again(TableSettings, "key")
    header: bool | None = again(TableSettings, "header")
    drop_invalid: bool = again(TableSettings, "drop_invalid")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlotOptions(verbs.PlotOptions):
    """Options of `plot`."""

    data: str | None = option(
        None, help="File of data to draw instead of the held-out rows of the fit."
    )
    header: bool | None = again(TableSettings, "header")


def sample(run: Run, options: SampleOptions) -> list[Path]:
    """Draw samples from a fitted flow: rows under the names of its columns."""
    datasets.check_output(options.output)
    flow = run.model.flow
    from tfp_flows.models.evaluation import draw

    values = draw(flow, options.count, options.seed)
    strange = int((~np.isfinite(values).all(axis=1)).sum())
    if strange:
        note(f"{strange:,} of {options.count:,} samples are not finite.")
    datasets.save_table(options.output, values, _columns(run))
    return []


def score(run: Run, options: ScoreOptions) -> list[Path]:
    """Write the log-density of each row of DATA, in nats, in the order of the rows.

    With --drop-invalid a first column holds the row numbers, counted from 1.
    """
    datasets.check_output(options.output)
    table = _matching(run, options, drop_invalid=options.drop_invalid, key=options.key)
    flow = run.model.flow
    from tfp_flows.models.evaluation import log_density

    scores = log_density(flow, table.values)[:, None]
    if not options.drop_invalid:
        datasets.save_table(options.output, scores, ["log_prob"])
        return []
    if table.dropped:
        note(f"{table.dropped:,} rows with empty, NaN or infinite cells were dropped.")
    numbered = np.hstack([table.rows[:, None], scores.astype(np.float64)])
    datasets.save_table(options.output, numbered, ["row", "log_prob"])
    return []


def plot(run: Run, options: PlotOptions) -> list[Path]:
    """Draw the pictures of a fitted flow again."""
    if options.data is None:
        return verbs.plot(run, options)
    table = _matching(run, options)
    return verbs.redraw(run, options.output, lambda: Shown(Path(options.data).name, table.values))


class Shown(NamedTuple):
    """Rows to draw instead of those of the fit."""

    name: str
    shown: np.ndarray


def _matching(run: Run, options: ScoreOptions | PlotOptions, **more) -> datasets.Table:
    """The columns of the fit in a file of the options, with what had to be guessed said."""
    table = datasets.load_matching(
        options.data,
        _columns(run),
        named=run.metrics["data"]["named"],
        header=options.header,
        **more,
    )
    for remark in table.remarks:
        note(remark)
    return table


def _columns(run: Run) -> list[str]:
    return [str(name) for name in run.metrics["data"]["columns"]]


SAMPLE = Verb(sample, SampleOptions, "tfp-flows sample run -n 1000 -o samples.csv")
SCORE = Verb(score, ScoreOptions, "tfp-flows score run table.csv -o scores.csv")
PLOT = Verb(plot, PlotOptions, verbs.PLOT.example)
