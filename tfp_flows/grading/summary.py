"""A folder of submissions on one page, and as a table for spreadsheets."""

import csv
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from tfp_flows.grading.batch import identical
from tfp_flows.grading.formats.text import points
from tfp_flows.grading.results import Report, Status

_FORMULA = re.compile(r"^[=+\-@\t\r]")
_BINS = 10
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
th { vertical-align: bottom; font-weight: 600; overflow-wrap: anywhere; }
td.passed { color: #0a7040; } td.partial { color: #8a5a00; }
td.failed, td.error, td.blocked { color: #b3261e; }
.bar { background: #3b6fb6; height: .8rem; display: inline-block; vertical-align: middle; }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #16181c; }
  td.passed { color: #5cc48e; } td.partial { color: #e0b050; }
  td.failed, td.error, td.blocked { color: #ff8a80; } }
"""


def write_csv(reports: Sequence[Report]) -> str:
    """One row a submission: points, each item's points, notes, and who has the same solution."""
    same = _same(reports)
    items = _items(reports)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    sums = ["submission", "points", "maximum", "percent"]
    after = ["keras", "seconds", "same_as", "provided_missing", "provided_changed", "notes"]
    writer.writerow([*sums, *items, *after, "not_run", "walls", "weaker"])
    for report in reports:
        by_id = {item.id: item for item in report.items}
        writer.writerow(
            [
                _cell(report.submission),
                *(points(value) for value in (report.points, report.maximum, report.percent)),
                *(points(by_id[name].points) if name in by_id else "" for name in items),
                report.keras,
                f"{report.seconds:.1f}",
                _cell("; ".join(same.get(report.submission, ()))),
                _cell("; ".join(report.provided_missing)),
                _cell("; ".join(report.provided_changed)),
                _cell(" ".join(report.notes)),
                _cell("; ".join(report.not_run)),
                "; ".join(report.isolation),
                "; ".join(report.weaker),
            ]
        )
    return stream.getvalue()


def write_page(
    title: str,
    reports: Sequence[Report],
    *,
    links: Mapping[str, str],
    others: Sequence[str] = (),
    versions: Mapping[str, str],
) -> str:
    """The summary as one page of HTML that needs nothing else.

    Args:
        title: Title of the assignment.
        reports: The reports.
        links: Where the report of each submission is, as seen from the page.
        others: Names of files that were no submissions.
        versions: Versions of the libraries.
    """
    percents = [report.percent for report in reports]
    mean = sum(percents) / len(percents) if percents else 0.0
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{len(reports)} submissions, {mean:.1f} % on average.</p>",
        _histogram(percents),
        "<h2>Items</h2>",
        _item_table(reports),
        "<h2>Submissions</h2>",
        _table(reports, links),
        "<h2>Provided parts</h2>",
        _provided(reports),
        "<h2>Identical solutions</h2>",
        _identical(reports),
        "<h2>What was not run</h2>",
        _not_run(reports),
        "<h2>How it was graded</h2>",
        _conditions(reports, others, versions),
    ]
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>"
    )
    return head + "\n".join(parts) + "</body></html>\n"


def _same(reports: Iterable[Report]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(other for other in group if other != name)
        for group in identical(reports)
        for name in group
    }


def _items(reports: Iterable[Report]) -> list[str]:
    return list(dict.fromkeys(item.id for report in reports for item in report.items))


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _text(text: object) -> str:
    return html.escape(str(text))


def _histogram(percents: Sequence[float]) -> str:
    counts = [0] * (_BINS + 1)
    for percent in percents:
        counts[int(percent * _BINS / 100)] += 1
    most = max(counts, default=0) or 1
    rows = []
    for number, count in enumerate(counts):
        label = "100 %" if number == _BINS else f"{number * 10} to {number * 10 + 10} %"
        bar = f'<span class="bar" style="width:{30 * count / most:.2f}rem"></span>'
        rows.append(f"<tr><td>{label}</td><td style='text-align:left'>{bar} {count}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _item_table(reports: Sequence[Report]) -> str:
    rows = ["<tr><th>Item</th><th>right</th><th>partly</th><th>wrong</th><th>mean</th></tr>"]
    for name in _items(reports):
        found = [item for report in reports for item in report.items if item.id == name]
        right = sum(item.status is Status.passed for item in found)
        partly = sum(item.status is Status.partial for item in found)
        mean = sum(item.points for item in found) / len(found)
        values = (right, partly, len(found) - right - partly, points(mean))
        cells = "".join(f"<td>{value}</td>" for value in values)
        rows.append(f"<tr><td>{_text(name)}</td>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _table(reports: Sequence[Report], links: Mapping[str, str]) -> str:
    items = _items(reports)
    head = "".join(f"<th>{_text(name)}</th>" for name in ["Submission", "%", *items, "Keras"])
    rows = [f"<tr>{head}</tr>"]
    for report in reports:
        name = _text(report.submission)
        if report.submission in links:
            name = f'<a href="{_text(links[report.submission])}">{name}</a>'
        by_id = {item.id: item for item in report.items}
        cells = [f"<td>{name}</td><td>{report.percent:g}</td>"]
        for item in (by_id.get(name) for name in items):
            if item is None:
                cells.append("<td></td>")
            else:
                title = _text(item.message)
                status = item.status.value
                cells.append(f'<td class="{status}" title="{title}">{points(item.points)}</td>')
        rows.append(f"<tr>{''.join(cells)}<td>{_text(report.keras)}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _provided(reports: Sequence[Report]) -> str:
    """What is missing or changed of what submissions were given, which is not graded."""
    found = [r for r in reports if r.provided_missing or r.provided_changed]
    if not found:
        return "<p>All submissions hold them as they were given.</p>"
    rows = ["<tr><th>Submission</th><th>missing</th><th>changed</th></tr>"]
    for report in found:
        names = (", ".join(n) for n in (report.provided_missing, report.provided_changed))
        cells = "".join(f"<td>{_text(cell)}</td>" for cell in (report.submission, *names))
        rows.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _identical(reports: Sequence[Report]) -> str:
    groups = identical(reports)
    if not groups:
        return "<p>None.</p>"
    rows = "".join(f"<li>{', '.join(map(_text, group))}</li>" for group in groups)
    return (
        "<p>Equal but for names, comments and layout. This is information, not a verdict: short "
        f"functions are often alike.</p><ul>{rows}</ul>"
    )


def _not_run(reports: Iterable[Report]) -> str:
    parts = [
        f"<details><summary>{_text(report.submission)}</summary>"
        f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in report.not_run)}</ul></details>"
        for report in reports
        if report.not_run
    ]
    return "\n".join(parts) or "<p>Nothing was left out.</p>"


def _conditions(
    reports: Sequence[Report], others: Sequence[str], versions: Mapping[str, str]
) -> str:
    walls = sorted({", ".join(report.isolation) for report in reports if report.isolation})
    lines = [f"Isolation: {wall}." for wall in walls]
    weaker = dict.fromkeys(text for report in reports for text in report.weaker)
    lines += [f"Weaker here: {text}." for text in weaker]
    lines.append("; ".join(f"{name} {version}" for name, version in sorted(versions.items())))
    lines += [f"{report.submission}: {note}" for report in reports for note in report.notes]
    if others:
        lines.append(f"Neither notebooks nor scripts, and left out: {', '.join(others)}.")
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines if line)}</ul>"
