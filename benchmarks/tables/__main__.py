"""The command: ``python -m benchmarks.tables``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.tables import report
from benchmarks.tables.sources import TABLES, needs
from tfp_flows.errors import unknown_name
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1


class _Tables(Command):
    lists = ("--only",)
    interrupted = "Interrupted; what was done is in --out, and is not done again."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Tables, epilog="Example: python -m benchmarks.tables --only penguins orders")
def main(
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(TABLES)}.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of each training, at most.")] = 8.0,
    samples: Annotated[
        int, typer.Option(min=1, help="That are held against the schema.")
    ] = 1_000_000,
    rows: Annotated[
        int | None, typer.Option(min=100, help="Of each table, at most; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split and of what is judged.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the tables goes beside it.")
    ] = Path("runs/tables.json"),
) -> None:
    """Fit, sample, score, check and fill mixed tables by the command, and judge what comes of it.

    What --out already holds is not done again.
    """
    for name in only or ():
        if name not in TABLES:
            raise unknown_name("table", name, TABLES)
    reports.prepare(out)
    settings = {"samples": samples, "rows": rows, "minutes": minutes}
    settings |= {"seed": seed, "threads": threads}
    record = reports.begun(out, settings, "tables")
    failed = False
    for name in TABLES:
        if name not in (only or TABLES):
            continue
        if record["tables"].get(name, {}).get("status") != "ok":
            with progress_console().status(name):
                record["tables"][name] = _done(name, settings)
            reports.write(out, record, report.markdown(record))
        result = record["tables"][name]
        if result["status"] != "ok":
            failed = True
            note(f"{name}: {result['status']}: {result['message']}")
    console = result_console()
    console.print(report.markdown(record), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _done(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    required = ("tensorflow", "tfp_flows", "sklearn", *needs(name))
    job = {"table": name, **settings}
    return isolated.launch("benchmarks.tables.worker", job, required, settings["threads"])[0]


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.tables")
