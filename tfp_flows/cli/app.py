"""The commands, as `--help` lists them; the work is done elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from tfp_flows._version import __version__
from tfp_flows.cli import dispatch, grade_options
from tfp_flows.terminal import Ending


class Commands(Ending, typer.core.TyperGroup):
    """The group of commands; the options of some depend on the kind of work they are about."""

    def resolve_command(self, ctx, args):
        """Finds a command, and builds it where its options depend on its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if name == "fit":
            command = dispatch.fit_command(rest)
        elif name in dispatch.verb_names():
            command = dispatch.verb_command(name, rest)
        return name, command, rest


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


def _named(made: typer.core.TyperCommand) -> None:
    # For the list of commands alone: `Commands` builds it anew for the arguments at hand.
    app.command(made.name, help=made.help)(lambda: None)


_named(dispatch.fit_command([]))
for _name in dispatch.verb_names():
    _named(dispatch.verb_command(_name, []))


@app.command(epilog="Example:\n\n  tfp-flows runs results")
def runs(
    place: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder that holds runs, at any depth.")
    ] = Path("."),
) -> None:
    """List the runs in a folder: kind, flow, headline figure, date."""
    from tfp_flows.cli import listing

    listing.print_runs(place)


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
    weak_walls: grade_options.WeakWalls = False,
) -> None:
    """Grade notebooks and scripts, or folders of them.

    Takes the graded functions from each file and runs nothing else of it, in
    a process that reaches neither the network nor other files. Of a folder,
    --out gets a report for each file, grades.csv and summary.html.
    """
    from tfp_flows.cli import grade as command

    command.grade(
        submissions,
        part=part,
        format=format.value,
        out=out,
        rubric=rubric,
        jobs=jobs,
        weak_walls=weak_walls,
    )


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
    """List the kinds of work, the flows and the toys."""
    from tfp_flows.cli import listing

    listing.print_list()
