"""What a flow of a table is for: samples, scores of rows, pictures."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.groups import BY
from tfp_flows.kinds.tables.settings import COLUMNS, TableSettings
from tfp_flows.options import COUNT, ENGINE, OUTPUT, PARTS, TABLES, WORKERS, again, option
from tfp_flows.runs import verbs
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

# Batches of samples that are written at a time.
_BATCHES = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Options of `sample`."""

    output: Path = option(**OUTPUT, help=PARTS)
    count: int | None = option(
        None, **COUNT, min=1, shown="1000, or the rows given", help="Number of samples."
    )
    given: str | None = option(
        None,
        metavar="FILE|A=1,B=x",
        help="Rows of any columns, or one value each, to sample the others given them.",
    )
    seed: int = again(TableSettings, "seed")
    engine: str | None = option(None, **ENGINE)
    workers: int | None = option(None, **WORKERS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImputeOptions:
    """Options of `impute`."""

    data: str = option(argument=True, metavar="DATA", help="File of rows with gaps.")
    output: Path = option(**OUTPUT, help=TABLES)
    count: int = option(
        1, **COUNT, min=1, help="How many times, each with draws of its own, below each other."
    )
    key: str | None = again(TableSettings, "key")
    header: bool | None = again(TableSettings, "header")
    seed: int = again(TableSettings, "seed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """Options of `schema`."""

    output: Path | None = option(None, **OUTPUT, shown="printed", help="File to write, .toml.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Options of `score`."""

    data: str = option(
        argument=True,
        metavar="DATA",
        help="File of rows, or folder of parts; columns are found by name, or must be as many as "
        "in the fit.",
    )
    output: Path = option(**OUTPUT, help=PARTS)
    key: str | None = again(TableSettings, "key")
    header: bool | None = again(TableSettings, "header")
    drop_invalid: bool = again(TableSettings, "drop_invalid")
    p_values: bool = option(
        False, help="Add conformal p-values: the share of held-out rows at least as unlikely."
    )
    false_alarms: float | None = option(
        None,
        metavar="RATE",
        help="Add a verdict: flag rows so unlikely that at most this share of normal ones is.",
    )
    normal: str | None = option(
        None,
        metavar="FILE",
        help="Further normal rows, which the fit has not seen, beside its held-out ones: for lower "
        "rates.",
    )
    explain: int | None = option(
        None,
        metavar="N",
        min=1,
        help="Name the N columns that speak most against a row, and add the nats of each column; "
        "with --false-alarms for flagged rows alone.",
    )

    by: str | None = option(
        None, **BY, help="Column of DATA by whose values the mean log-density is told."
    )
    engine: str | None = option(None, **ENGINE)
    workers: int | None = option(None, **WORKERS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlotOptions(verbs.PlotOptions):
    """Options of `plot`."""

    data: str | None = option(
        None, help="File of data to draw instead of the held-out rows of the fit."
    )
    header: bool | None = again(TableSettings, "header")


def sample(run: Run, options: SampleOptions) -> None:
    """Draw samples from a fitted flow: rows under the names of its columns.

    Into a folder they are written in parts of a million, and the same command, given again after a
    break, leaves out those that are finished.
    """
    from tfp_flows.kinds.tables.into_parts import check_engine, check_place

    check_place(options.output)
    check_engine(options)
    if of_columns(run):
        from tfp_flows.kinds.tables import mixed_verbs

        return mixed_verbs.sample(run, options)
    if options.given is not None:
        from tfp_flows.kinds.tables import vector_verbs

        return vector_verbs.sample_given(run, options)
    flow, count, names = run.model.flow, options.count or 1000, _columns(run)
    from tfp_flows.datasets.appending import Numbers
    from tfp_flows.kinds.tables.sampling import write_samples
    from tfp_flows.models.evaluation import Draws

    draws = Draws(flow, count, options.seed)
    block = draws.batch * _BATCHES
    write_samples(run, options, count, block, lambda i, j: Numbers(draws(i, j), names))
    draws.note_strange()


def score(run: Run, options: ScoreOptions) -> None:
    """Write the log-density of each row of DATA, in nats, in the order of the rows.

    With --drop-invalid a first column holds the row numbers, counted from 1. Of a folder of parts
    into a folder each part has one of its own, and the same command, given again after a break,
    leaves out those that are finished.
    """
    from tfp_flows.kinds.tables.into_parts import check_engine, check_place
    from tfp_flows.kinds.tables.mixed_scoring import MixedScores
    from tfp_flows.kinds.tables.scoring import PlainScores
    from tfp_flows.kinds.tables.scoring import score as write

    check_place(options.output)
    check_engine(options)
    if options.engine is not None and options.by is not None:
        raise InputError("--by tells means over all parts, which no worker has; leave one out.")
    write((MixedScores if of_columns(run) else PlainScores)(run, options))


def plot(run: Run, options: PlotOptions) -> list[Path]:
    """Draw the pictures of a fitted flow again."""
    if options.data is None:
        return verbs.plot(run, options)
    if of_columns(run):
        from tfp_flows.kinds.tables import mixed_verbs

        rows = mixed_verbs.shown(run, options.data, options.header)
        return verbs.redraw(run, options.output, lambda: Shown(Path(options.data).name, rows))
    table = _matching(run, options)
    return verbs.redraw(run, options.output, lambda: Shown(Path(options.data).name, table.values))


def impute(run: Run, options: ImputeOptions) -> None:
    """Fill the empty cells of DATA by draws given the other cells of their rows.

    Not by means: the filled table varies as the data do. With -n there are several such tables
    below each other, with a column of the draw and one of the row in DATA.
    """
    from tfp_flows import datasets

    datasets.check_output(options.output)
    from tfp_flows.kinds.tables import mixed_verbs, vector_verbs

    (mixed_verbs if of_columns(run) else vector_verbs).impute(run, options)


def schema(run: Run, options: SchemaOptions) -> list[Path] | None:
    """Write what a fit took the columns for, to be edited and given to `fit --schema`."""
    if not of_columns(run):
        raise _of_columns_alone(run, "schema")
    text = run.model.schema.to_toml()
    if options.output is None:
        print(text)
        return None
    from tfp_flows.files import atomic_path

    with atomic_path(options.output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return [options.output]


def of_columns(run: Run) -> bool:
    """Whether a run is of the model of mixed columns."""
    return run.settings.flow == COLUMNS


def _of_columns_alone(run: Run, what: str) -> InputError:
    return InputError(
        f"{what} is of --flow columns alone, and {run.path} is of {run.settings.flow}; fit anew "
        "with --flow columns."
    )


class Shown(NamedTuple):
    """Rows to draw instead of those of the fit."""

    name: str
    shown: Any


def _matching(run: Run, options: ScoreOptions | PlotOptions, **more) -> Any:
    """The columns of the fit in a file of the options, with what had to be guessed said."""
    from tfp_flows import datasets

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
IMPUTE = Verb(impute, ImputeOptions, "tfp-flows impute run table.csv -n 5 -o filled.csv")
SCHEMA = Verb(schema, SchemaOptions, "tfp-flows schema run -o schema.toml")
PLOT = Verb(plot, PlotOptions, verbs.PLOT.example)
