"""The command: ``python -m benchmarks.anomaly --tables``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import reports
from benchmarks.anomaly.detectors import DETECTORS
from benchmarks.anomaly.tables import TASKS, launch, markdown
from benchmarks.command import Command
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1


class _Anomaly(Command):
    lists = ("--names", "--models")
    interrupted = "Interrupted; what was done is in --out."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Anomaly, epilog="Example: python -m benchmarks.anomaly --tables")
def main(
    tables: Annotated[
        bool, typer.Option("--tables", help="Labelled tables that come inside of scikit-learn.")
    ] = False,
    names: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(TASKS)}.")
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(DETECTORS)}.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds, from 0.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the tables goes beside it.")
    ] = Path("runs/anomaly.json"),
) -> None:
    """Compare detectors that were fitted to normal examples alone.

    Each runs in a process of its own; results are saved after each.
    """
    if not tables:
        raise InputError("Nothing to compare on; give --tables.")
    chosen = _known("table", names, TASKS)
    detectors = _known("model", models, DETECTORS)
    reports.prepare(out)
    record: dict[str, Any] = {
        "settings": {"seeds": seeds, "threads": threads},
        "machine": reports.machine(),
        "tables": {name: {} for name in chosen},
    }
    failed = False
    for name in chosen:
        for detector in detectors:
            with progress_console().status(f"{name}: {detector}"):
                result = launch(name, detector, range(seeds), threads)
            record["tables"][name][detector] = result
            reports.write(out, record, markdown(record))
            if result["status"] != "ok":
                failed = True
                note(f"{name}: {detector}: {result['status']}: {result['message']}")
    console = result_console()
    console.print(markdown(record), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _known(kind: str, names: list[str] | None, known) -> list[str]:
    chosen = list(dict.fromkeys(names or known))
    for name in chosen:
        if name not in known:
            raise unknown_name(kind, name, known)
    return chosen


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.anomaly")
