"""The commands and their options, as `--help` shows them; the work is done elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from tfp_flows._version import __version__
from tfp_flows.cli import options
from tfp_flows.cli.console import Commands
from tfp_flows.cli.settings import FitSettings, parse_columns, parse_flow_options, parse_hidden
from tfp_flows.errors import InputError

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try it: [bold]tfp-flows fit two_moons --out moons[/bold]",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tfp-flows {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Normalising flows: fit a density to a table, then sample it and score rows with it."""


@app.command(
    epilog="Examples:\n\n"
    "  tfp-flows fit two_moons --out moons\n\n"
    "  tfp-flows fit table.csv --flow realnvp --columns height,weight --out run\n\n"
    "  tfp-flows fit --resume --out run"
)
def fit(
    ctx: typer.Context,
    out: options.Out,
    data: options.Data = None,
    columns: options.Columns = None,
    key: options.Key = None,
    drop_invalid: options.DropInvalid = False,
    rows: options.Rows = None,
    flow: options.FlowName = "maf",
    layers: options.Layers = None,
    hidden: options.Hidden = None,
    flow_option: options.FlowOptions = None,
    dtype: options.Dtype = options.Precision.float32,
    epochs: options.Epochs = 500,
    patience: options.Patience = 30,
    batch_size: options.BatchSize = 256,
    learning_rate: options.LearningRate = 5e-3,
    seed: options.FitSeed = 0,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    no_plots: options.NoPlots = False,
) -> None:
    """Fit a flow to DATA by maximum likelihood.

    Trains on 80 % of the rows, stops early on 10 %, and reports the
    log-likelihood of the last 10 % beside that of a full-covariance Gaussian.
    """
    if not (learning_rate > 0 and learning_rate < float("inf")):
        raise InputError(f"--learning-rate is {learning_rate:g}; give a positive number.")
    from tfp_flows.cli import fit as fitting
    from tfp_flows.cli import source

    if data is None and not resume:
        raise InputError("DATA is missing; give a toy's name or a file, or --resume.")
    if resume and overwrite:
        raise InputError("--resume keeps what --overwrite removes; give one of them.")
    if data is not None:
        data, rows = source.resolve(data, rows)
    settings = FitSettings(
        data=data or "",
        columns=parse_columns(columns),
        key=key,
        drop_invalid=drop_invalid,
        rows=rows,
        flow=flow,
        layers=layers,
        hidden=parse_hidden(hidden),
        flow_option=parse_flow_options(flow_option or []),
        dtype=dtype.value,
        epochs=epochs,
        patience=patience,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        plots=not no_plots,
    )
    if not resume:
        fitting.new_fit(settings, out, overwrite=overwrite)
        return
    given = {name for name in ctx.params if ctx.get_parameter_source(name).name == "COMMANDLINE"}
    given = {"plots" if name == "no_plots" else name for name in given}
    repeated = {k: v for k, v in vars(settings).items() if k in given}
    fitting.resumed_fit(repeated, out)


@app.command(epilog="Example:\n\n  tfp-flows sample run -n 1000 -o samples.csv")
def sample(
    run: options.RunFolder,
    output: options.Output,
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, help="Number of samples.")
    ] = 1000,
    seed: options.Seed = 0,
) -> None:
    """Draw samples from a fitted flow, under the column names of its data."""
    from tfp_flows.cli import apply

    apply.sample(run, count, output, seed)


@app.command(epilog="Example:\n\n  tfp-flows score run table.csv -o scores.csv")
def score(
    run: options.RunFolder,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="File of rows; its columns are found by name, or must be as many as in the fit.",
        ),
    ],
    output: options.Output,
    key: options.Key = None,
    drop_invalid: options.DropInvalid = False,
) -> None:
    """Write the log-density of each row of DATA, in nats, in the order of the rows.

    With --drop-invalid a first column holds the row numbers, counted from 1.
    """
    from tfp_flows.cli import apply

    apply.score(run, data, output, drop_invalid=drop_invalid, key=key)


@app.command(epilog="Example:\n\n  tfp-flows plot run -o picture.pdf")
def plot(
    run: options.RunFolder,
    data: Annotated[
        str | None,
        typer.Option(help="File of data to draw instead of the held-out rows of the fit."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File of the picture; without it, those in RUN are replaced."
        ),
    ] = None,
) -> None:
    """Draw the pictures of a fitted flow again."""
    from tfp_flows.cli import apply

    for path in apply.plot(run, data, output):
        typer.echo(f"Written to {path}")


@app.command("list")
def list_() -> None:
    """List the kinds of flows and the toys."""
    from tfp_flows.cli import listing

    listing.print_list()
