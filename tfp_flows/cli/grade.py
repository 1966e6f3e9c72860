"""The command `grade`: one report, or a folder of them with a table and a summary page."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich.table import Table

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.grading import Grader, Report, find_submissions, grade_all, identical, render
from tfp_flows.grading.formats import github, suffix
from tfp_flows.grading.formats.plain import as_dictionary, to_json
from tfp_flows.grading.summary import write_csv, write_page
from tfp_flows.terminal import note, progress_console, result_console, tracked

_GRADES, _PAGE, _REPORTS = "grades.csv", "summary.html", "reports"
_LONGEST_NAME = 120
_FAULT = 1


def grade(
    paths: Sequence[Path],
    *,
    part: str | None,
    format: str,
    out: Path | None,
    rubric: str,
    jobs: int,
    weak_walls: bool,
) -> None:
    """Grades files and folders and writes what was asked for.

    Raises:
        InputError: Something of it cannot be read, graded or written.
        typer.Exit: A submission could not be graded through a fault of the grader.
    """
    several = len(paths) > 1 or paths[0].is_dir()
    if several and out is None and format not in ("text", "json"):
        raise InputError(f"--format {format} of several submissions needs --out FOLDER.")
    submissions, others = find_submissions(paths)
    if out is not None:  # before the work, not after it
        _prepare(out, several)
    with Grader(rubric, weak_walls=weak_walls) as grader:
        done = grade_all(grader, submissions, part=part, jobs=jobs)
        reports = dict(tracked(done, "grading", len(submissions)))
        ordered = [reports[place] for place in range(len(submissions))]
        if not several:
            _write_one(ordered[0], format, out)
        elif out is None:
            _print_all(ordered, format)
        else:
            _write_all(ordered, format, out, grader.rubric.title, others, grader.versions)
    if others:
        note(f"Left out, neither notebooks nor scripts: {', '.join(others[:10])}.")
    faulty = [report for report in ordered if report.faulty]
    for report in faulty:
        typer.echo(f"Error: {report.submission}: {report.notes[0]}", err=True)
    if faulty:
        raise typer.Exit(_FAULT)


def _write_one(report: Report, format: str, out: Path | None) -> None:
    text = render(report, format)
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
    outputs = os.environ.get("GITHUB_OUTPUT")
    if format == "github" and outputs:
        with open(outputs, "a", encoding="utf-8") as file:
            file.write(github.step_output(text))


def _print_all(reports: Sequence[Report], format: str) -> None:
    if format == "json":
        typer.echo(to_json([as_dictionary(report) for report in reports]), nl=False)
        return
    table = Table("submission", "points", "%", "not right", box=None)
    for report in reports:
        wrong = ", ".join(item.id for item in report.items if item.status.value != "passed")
        points = f"{report.points:g} / {report.maximum:g}"
        table.add_row(*map(_plain, (report.submission, points, f"{report.percent:g}", wrong)))
    result_console().print(table)
    for group in identical(reports):
        typer.echo(f"Identical but for names and layout: {', '.join(group)}")


def _plain(text: str):
    from rich.text import Text

    return Text(text)


def _write_all(
    reports: Sequence[Report],
    format: str,
    out: Path,
    title: str,
    others: Sequence[str],
    versions: Mapping[str, str],
) -> None:
    links: dict[str, str] = {}
    for report in reports:
        links[report.submission] = _file_name(report.submission, suffix(format), links.values())
        _write(out / links[report.submission], render(report, format))
    _write(out / _GRADES, write_csv(reports))
    page = write_page(title, reports, links=links, others=others, versions=versions)
    _write(out / _PAGE, page)
    progress_console().print(f"{len(reports)} reports, {_GRADES} and {_PAGE} are in {out}")


def _file_name(submission: str, ending: str, taken) -> str:
    """A name for a report's file that no name of a submission can lead elsewhere."""
    stem = re.sub(r"[^\w.-]+", "_", submission, flags=re.ASCII).lstrip(".")[-_LONGEST_NAME:]
    name, number = f"{_REPORTS}/{stem}{ending}", 1
    while name in taken:
        number += 1
        name = f"{_REPORTS}/{stem}-{number}{ending}"
    return name


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _prepare(out: Path, several: bool) -> None:
    if not several and out.is_dir():
        raise InputError(f"--out {out} is a folder; of one submission give the name of a file.")
    folder = out / _REPORTS if several else out.absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}.") from None
