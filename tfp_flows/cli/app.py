"""The commands and their options, as `--help` shows them; the work is done elsewhere."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from tfp_flows._version import __version__
from tfp_flows.cli.console import Commands
from tfp_flows.cli.settings import FitSettings, parse_columns, parse_flow_options, parse_hidden
from tfp_flows.errors import InputError

_DATA, _FLOW, _TRAINING, _OUTPUT = "Data", "Flow", "Training", "Output"

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try it: [bold]tfp-flows fit two_moons --out moons[/bold]",
)


class Precision(str, enum.Enum):
    """Precision of a model."""

    float32 = "float32"
    float64 = "float64"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tfp-flows {__version__}")
        raise typer.Exit


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that fit has written.")]
Seed = Annotated[
    int, typer.Option(metavar="N", min=0, max=2**31 - 1, help="Seed of all that is random.")
]
DropInvalid = Annotated[
    bool,
    typer.Option(
        "--drop-invalid",
        help="Drop rows with empty, NaN or infinite cells instead of refusing them.",
        rich_help_panel=_DATA,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Which array of an .npz file to read.", rich_help_panel=_DATA
    ),
]


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
    out: Annotated[
        Path,
        typer.Option(
            metavar="RUN",
            help="Folder to write: model, measures, pictures.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A toy (see [bold]tfp-flows list[/bold]) or a .csv, .npy, .npz or .parquet file.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns to use, by name or by number from 0.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    key: Key = None,
    drop_invalid: DropInvalid = False,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            "-n",
            metavar="N",
            min=1,
            help="Number of rows of a toy.",
            show_default="10000",
            rich_help_panel=_DATA,
        ),
    ] = None,
    flow: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Kind of flow (see [bold]tfp-flows list[/bold]).",
            rich_help_panel=_FLOW,
        ),
    ] = "maf",
    layers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Number of layers.",
            show_default="by flow",
            rich_help_panel=_FLOW,
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="64,64",
            help="Hidden layers of each network.",
            show_default="by flow",
            rich_help_panel=_FLOW,
        ),
    ] = None,
    flow_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Any other argument of the flow; may be repeated.",
            rich_help_panel=_FLOW,
        ),
    ] = None,
    dtype: Annotated[
        Precision,
        typer.Option(
            help="Precision; float64 for columns with a large offset.", rich_help_panel=_FLOW
        ),
    ] = Precision.float32,
    epochs: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Most passes over the data.", rich_help_panel=_TRAINING
        ),
    ] = 500,
    patience: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Stop after so many epochs without a better validation likelihood.",
            rich_help_panel=_TRAINING,
        ),
    ] = 30,
    batch_size: Annotated[
        int, typer.Option(metavar="N", min=1, help="Rows a step.", rich_help_panel=_TRAINING)
    ] = 256,
    learning_rate: Annotated[
        float,
        typer.Option(
            metavar="RATE",
            help="Learning rate of Adam; halved where progress stalls.",
            rich_help_panel=_TRAINING,
        ),
    ] = 5e-3,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=2**31 - 1,
            help="Seed of the split, the weights and the order of rows.",
            rich_help_panel=_TRAINING,
        ),
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with an interrupted fit in RUN, with its data and options.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace an earlier fit in RUN.", rich_help_panel=_OUTPUT),
    ] = False,
    no_plots: Annotated[
        bool, typer.Option("--no-plots", help="Draw no pictures.", rich_help_panel=_OUTPUT)
    ] = False,
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
    run: RunFolder,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .csv, .npy, .npz or .parquet.",
            show_default=False,
        ),
    ],
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, help="Number of samples.")
    ] = 1000,
    seed: Seed = 0,
) -> None:
    """Draw samples from a fitted flow, under the column names of its data."""
    from tfp_flows.cli import apply

    apply.sample(run, count, output, seed)


@app.command(epilog="Example:\n\n  tfp-flows score run table.csv -o scores.csv")
def score(
    run: RunFolder,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="File of rows; its columns are found by name, or must be as many as in the fit.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .csv, .npy, .npz or .parquet.",
            show_default=False,
        ),
    ],
    key: Key = None,
    drop_invalid: DropInvalid = False,
) -> None:
    """Write the log-density of each row of DATA, in nats, in the order of the rows.

    With --drop-invalid a first column holds the row numbers, counted from 1.
    """
    from tfp_flows.cli import apply

    apply.score(run, data, output, drop_invalid=drop_invalid, key=key)


@app.command(epilog="Example:\n\n  tfp-flows plot run -o picture.pdf")
def plot(
    run: RunFolder,
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
