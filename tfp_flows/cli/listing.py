"""The commands `list` and `runs`: which kinds, flows and toys there are, and which runs."""

import datetime
from pathlib import Path

from rich.table import Table

from tfp_flows import datasets, kinds
from tfp_flows.errors import InputError
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.runs import folder, record
from tfp_flows.terminal import import_tensorflow, plus_minus, result_console


def print_list() -> None:
    """Prints kinds of work, flows and toys with a line about each."""
    import_tensorflow()
    toys = [(name, datasets.toy_line(name)) for name in datasets.TOYS]
    about = [(kind.name, kind.title) for kind in kinds.every()]
    tables = (
        ("Kinds of work (--kind)", ("name", "what it does"), about),
        ("Flows (--flow)", ("name", "of", "fast", "what it is good for"), _flows()),
        ("Toys (DATA)", ("name", "what it looks like"), toys),
    )
    console = result_console()
    for title, columns, rows in tables:
        console.print(_table(title, columns, rows))
        console.print()


def print_runs(place: Path) -> None:
    """Prints the runs in a folder.

    Raises:
        InputError: If there are none.
    """
    names = (folder.METRICS, folder.SETTINGS)
    records = sorted(path for name in names for path in place.rglob(name))
    # What is to replace an earlier run is not one yet.
    runs = dict.fromkeys(p.parent for p in records if p.parent.name != folder.NEW)
    if not runs:
        raise InputError(
            f"{place} holds no runs; give a folder in which tfp-flows fit has written."
        )
    rows = [(str(run.relative_to(place)), *_row(run)) for run in runs]
    columns = ("run", "kind", "flow", "headline", "date")
    result_console().print(_table(None, columns, rows))


def _row(run: Path) -> tuple[str, str, str, str]:
    done = not (run / folder.SETTINGS).exists()
    path = run / (folder.METRICS if done else folder.SETTINGS)
    try:
        found = record.read(path)
        figure = "not finished"
        if done:
            best = record.headline(found)
            spread = plus_minus(best["value"], best["standard_error"])
            figure = f"{best['name']} {spread} {best['unit']}"
        written = datetime.date.fromtimestamp(path.stat().st_mtime)
        date = found.get("finished") or written.isoformat()
        return found["kind"], str(found["settings"]["flow"]), figure, str(date)[:10]
    except (InputError, KeyError, TypeError):
        return "", "", "not readable", ""


def _table(title: str | None, columns, rows) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, style=None if place else "bold", no_wrap=place + 1 < len(columns))
    for row in rows:
        table.add_row(*row)
    return table


def _flows() -> list[tuple[str, ...]]:
    return [
        (name, f"{row.event}s", row.fast, row.line.partition(": ")[2])
        for name, row in RECIPES.items()
    ]
