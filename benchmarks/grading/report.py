"""What a run leaves: Markdown, and a table on the screen."""

import statistics
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.grading.folder import KINDS
from benchmarks.reports import pipes
from tfp_flows.grading import Report

_HEADER = ("submissions", "number", "as they should be", "mean, s", "median, s", "longest, s", "MB")


def summary(reports: Sequence[Report]) -> dict[str, dict[str, Any]]:
    """Figures for each kind of submission and for all."""
    groups = {kind: [r for r in reports if r.submission.startswith(kind)] for kind in KINDS}
    return {kind: _figures(group) for kind, group in {**groups, "all": reports}.items() if group}


def _figures(reports: Sequence[Report]) -> dict[str, Any]:
    seconds = [report.seconds for report in reports]
    return {
        "number": len(reports),
        "as_expected": sum(map(_is_as_expected, reports)),
        "mean_seconds": statistics.mean(seconds),
        "median_seconds": statistics.median(seconds),
        "longest_seconds": max(seconds),
        "peak_megabytes": max(report.peak_megabytes for report in reports),
    }


def _is_as_expected(report: Report) -> bool:
    """Right ones have all points, wrong ones do not, and none breaks the grader."""
    if report.faulty:
        return False
    return (report.percent == 100) == report.submission.startswith("right")


def rows(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """The rows of the table."""
    return [
        (
            kind,
            str(figures["number"]),
            str(figures["as_expected"]),
            f"{figures['mean_seconds']:.1f}",
            f"{figures['median_seconds']:.1f}",
            f"{figures['longest_seconds']:.1f}",
            f"{figures['peak_megabytes']:.0f}",
        )
        for kind, figures in record["submissions"].items()
    ]


def total(record: dict[str, Any]) -> str:
    """A sentence on the whole folder."""
    number = record["submissions"]["all"]["number"]
    return (
        f"{number} submissions in {record['seconds']:.0f} s, {record['jobs']} at the same time: "
        f"{record['seconds'] / number:.1f} s each, after {record['start_seconds']:.1f} s of start. "
        f"The machine's free memory fell by {record['fall_megabytes']:,.0f} MB at most."
    )


def markdown(record: dict[str, Any]) -> str:
    """The record as text with a table."""
    machine = record["machine"]
    lines = [
        "# Grading a folder",
        "",
        f"{machine['processor']}, Python {machine['python']}. {total(record)} Isolation: "
        f"{', '.join(record['isolation'])}.",
        "",
        *pipes(_HEADER, rows(record)),
        "",
        "Seconds are those of one submission beside the others; MB the most that one of its "
        "processes had in use, pages shared with others included.",
    ]
    return "\n".join(lines) + "\n"


def show(record: dict[str, Any], console: Console) -> None:
    """Prints the table and the sentence."""
    table = Table(*_HEADER, box=None)
    for row in rows(record):
        table.add_row(*row)
    console.print(table)
    console.print(total(record), markup=False)
