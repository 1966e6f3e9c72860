"""A report for people, as plain text."""

import textwrap

from tfp_flows.grading.results import ItemResult, Report

_WIDTH = 96
_INDENT = " " * 4


def write(report: Report) -> str:
    """The report with all that is known about how it came to be."""
    return f"{report.submission}\n{feedback(report)}\n\n{conditions(report)}\n"


def feedback(report: Report) -> str:
    """What a student should read: points, items with messages, notes."""
    reached = f"{points(report.points)} of {points(report.maximum)} points ({report.percent:g} %)"
    lines = ["Not graded, through no fault of the submission." if report.faulty else reached, ""]
    for item in report.items:
        lines += _item(item)
    if report.remarks:
        lines += ["", *(f"Note: {note}" for note in report.remarks)]
    if report.keras:
        lines += ["", f"Graded with {report.keras}."]
    return "\n".join(lines)


def conditions(report: Report) -> str:
    """How the submission was run."""
    walls = ", ".join(report.isolation) or "nothing of it was run"
    weaker = f"Weaker here: {'; '.join(report.weaker)}.\n" if report.weaker else ""
    return (
        f"Isolation: {walls}.\n{weaker}"
        f"{report.seconds:.1f} s, at most {report.peak_megabytes:.0f} MB in use."
    )


def points(value: float) -> str:
    """Points, to two decimals where there are any."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _item(item: ItemResult) -> list[str]:
    status = item.status.value
    if item.blocked_by:
        status += f" by {', '.join(item.blocked_by)}"
    head = f"{item.id}: {points(item.points)} / {points(item.maximum)}, {status}"
    body = [line for part in item.message.split("\n") for line in textwrap.wrap(part, _WIDTH - 4)]
    return [head, *(f"{_INDENT}{line}" for line in body)]
