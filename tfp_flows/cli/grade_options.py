"""The options of the commands about grading: their types, limits and lines in `--help`."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Format(str, enum.Enum):
    """Forms of a report."""

    text = "text"
    json = "json"
    coursera = "coursera"
    gradescope = "gradescope"
    github = "github"
    nbgrader = "nbgrader"


Submissions = Annotated[
    list[Path],
    typer.Argument(
        metavar="SUBMISSION...",
        help="Notebooks (.ipynb), scripts (.py), or folders of them.",
        show_default=False,
    ),
]
Part = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Part of the rubric, or one item.", show_default="all"),
]
ReportFormat = Annotated[
    Format, typer.Option("--format", help="Form of the report: for people, programs or a platform.")
]
ReportOut = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="File to write; of several submissions a folder.",
        show_default="the terminal",
    ),
]
RubricName = Annotated[
    str, typer.Option("--rubric", metavar="NAME", help="Rubric: its name, or its folder.")
]
Jobs = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=64,
        help="Submissions graded at the same time.",
        show_default="as many as processors and memory allow",
    ),
]
WeakWalls = Annotated[
    bool,
    typer.Option(
        "--weak-walls",
        help="Grade, too, where a wall that matters is missing; the report names it.",
    ),
]
Packages = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="Folder to make; it must be empty.", show_default=False),
]
