"""The commands and their options, as `--help` shows them; the work is done elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from tfp_flows._version import __version__
from tfp_flows.cli import grade_options, options
from tfp_flows.errors import InputError
from tfp_flows.terminal import Commands

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
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    seed: options.FitSeed = 0,
    size: options.Size = None,
    grey: options.Grey = False,
    flip: options.Flip = False,
    by_class: options.ByClass = False,
    minutes: options.Minutes = None,
    tensorboard: options.TensorBoard = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    no_plots: options.NoPlots = False,
) -> None:
    """Fit a flow to DATA by maximum likelihood.

    Trains on 80 % of the rows, stops early on 10 %, and reports the
    log-likelihood of the last 10 % beside that of a full-covariance Gaussian.
    Flows of images report bits per dimension.
    """
    from tfp_flows.cli import request

    given = {name for name in ctx.params if ctx.get_parameter_source(name).name == "COMMANDLINE"}
    request.fit(dict(ctx.params), given)


@app.command(epilog="Example:\n\n  tfp-flows sample run -n 1000 -o samples.csv")
def sample(
    run: options.RunFolder,
    output: options.Output,
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, help="Number of samples.")
    ] = 1000,
    seed: options.Seed = 0,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="Factor on the spread of the latents; of images alone."),
    ] = 1.0,
    label: Annotated[
        int | None,
        typer.Option("--class", min=0, help="Class of the samples; all in turn by default."),
    ] = None,
) -> None:
    """Draw samples from a fitted flow: rows under the names of its columns, or a grid of images."""
    from tfp_flows.cli import apply, image_apply

    if image_apply.is_run_of_images(run):
        image_apply.sample(run, count, output, seed, temperature=temperature, label=label)
    else:
        if temperature != 1 or label is not None:
            raise InputError(f"{run} is no run on images; leave --temperature and --class out.")
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

    Of images, the bits per dimension.

    With --drop-invalid a first column holds the row numbers, counted from 1.
    """
    from tfp_flows.cli import apply, image_apply

    if image_apply.is_run_of_images(run):
        image_apply.score(run, data, output, key=key)
    else:
        apply.score(run, data, output, drop_invalid=drop_invalid, key=key)


@app.command(epilog="Example:\n\n  tfp-flows interpolate run a.png b.png -o between.png")
def interpolate(
    run: options.RunFolder,
    first: Annotated[Path, typer.Argument(metavar="A", help="An image.")],
    last: Annotated[Path, typer.Argument(metavar="B", help="Another image.")],
    output: options.Picture,
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=2, help="Images, ends included.")
    ] = 8,
) -> None:
    """Draw the images between A and B, along the line between their latents."""
    from tfp_flows.cli import image_apply

    image_apply.interpolate(run, first, last, output, count)


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


@app.command(epilog="Examples:\n\n  tfp-flows figures\n\n  tfp-flows figures --check")
def figures(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the pictures; made if missing.")
    ] = Path("assets"),
    check: Annotated[
        bool,
        typer.Option("--check", help="Draw nothing; say which files are stale, with status 1."),
    ] = False,
) -> None:
    """Draw the pictures of the documentation, all of them from the package's own numbers."""
    from tfp_flows.cli import figures as pictures

    (pictures.check if check else pictures.write)(out)


@app.command(
    epilog="Examples:\n\n"
    "  tfp-flows grade submission.ipynb\n\n"
    "  tfp-flows grade submissions/ --out grades\n\n"
    "  tfp-flows grade submission.ipynb --part forward --format coursera --out feedback.json"
)
def grade(
    submissions: grade_options.Submissions,
    part: grade_options.Part = None,
    format: grade_options.ReportFormat = grade_options.Format.text,
    out: grade_options.ReportOut = None,
    rubric: grade_options.RubricName = "realnvp",
    jobs: grade_options.Jobs = 0,
) -> None:
    """Grade notebooks and scripts, or folders of them.

    Takes the graded functions from each file and runs nothing else of it, in
    a process that reaches neither the network nor other files. Of a folder,
    --out gets a report for each file, grades.csv and summary.html.
    """
    from tfp_flows.cli import grade as command

    command.grade(submissions, part=part, format=format.value, out=out, rubric=rubric, jobs=jobs)


@app.command("package-grader", epilog="Example:\n\n  tfp-flows package-grader --out grader")
def package_grader(
    out: grade_options.Packages,
    rubric: grade_options.RubricName = "realnvp",
) -> None:
    """Make what platforms ask for: a Docker recipe for Coursera and a zip for Gradescope."""
    from tfp_flows.grading.platforms.build import build

    for path in build(out, rubric):
        typer.echo(f"Written to {path}")


@app.command("list")
def list_() -> None:
    """List the kinds of flows and the toys."""
    from tfp_flows.cli import listing

    listing.print_list()
