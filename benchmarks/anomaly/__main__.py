"""The command: ``python -m benchmarks.anomaly --tables`` or ``--pictures TREE``."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import reports
from benchmarks.anomaly import pictures as of_pictures
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
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="TREE", help="A tree of pictures: train/good, test, ground_truth."),
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(TASKS)}.")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME...",
            help=f"Among {', '.join(DETECTORS)}; of pictures {', '.join(of_pictures.MODELS)}.",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Of the flows of pictures, instead of the default.")
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
    if tables == (pictures is not None):
        raise InputError("Nothing to compare on, or too much; give --tables or --pictures TREE.")
    record: dict[str, Any] = {
        "settings": {"seeds": seeds, "threads": threads},
        "machine": reports.machine(),
    }
    reports.prepare(out)
    if pictures is not None:
        if names:
            raise InputError("--names are of tables; leave them out.")
        chosen = _known("model", models, of_pictures.MODELS)
        options = {} if epochs is None else {"epochs": epochs}
        failed = _pictures(record, pictures, chosen, options, out)
    else:
        if epochs is not None:
            raise InputError("--epochs is of pictures; leave it out.")
        chosen = _known("table", names, TASKS)
        failed = _tables(record, chosen, _known("model", models, DETECTORS), out)
    console = result_console()
    console.print(out.with_suffix(".md").read_text(encoding="utf-8"), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _tables(record: dict[str, Any], names: list[str], detectors: list[str], out: Path) -> bool:
    seeds, threads = record["settings"]["seeds"], record["settings"]["threads"]
    record["tables"] = {name: {} for name in names}
    failed = False
    for name in names:
        for detector in detectors:
            with progress_console().status(f"{name}: {detector}"):
                result = launch(name, detector, range(seeds), threads)
            record["tables"][name][detector] = result
            reports.write(out, record, markdown(record))
            failed |= _told(f"{name}: {detector}", result)
    return failed


def _pictures(
    record: dict[str, Any], tree: Path, models: list[str], options: dict[str, Any], out: Path
) -> bool:
    seeds, threads = record["settings"]["seeds"], record["settings"]["threads"]
    record["pictures"] = {"tree": tree.name, "options": options, "models": {}}
    failed = False
    with tempfile.TemporaryDirectory(prefix="features-") as cache:
        for model in models:
            runs = record["pictures"]["models"].setdefault(model, [])
            for seed in range(seeds):
                with progress_console().status(f"{model}: seed {seed}"):
                    runs.append(
                        of_pictures.launch(tree, model, seed, options, Path(cache), threads)
                    )
                lines = of_pictures.markdown(record["pictures"])
                reports.write(out, record, "\n".join(lines) + "\n")
                failed |= _told(f"{model}: seed {seed}", runs[-1])
    return failed


def _told(what: str, result: dict[str, Any]) -> bool:
    """Says what went wrong, if anything did."""
    if result["status"] == "ok":
        return False
    note(f"{what}: {result['status']}: {result['message']}")
    return True


def _known(kind: str, names: list[str] | None, known) -> list[str]:
    chosen = list(dict.fromkeys(names or known))
    for name in chosen:
        if name not in known:
            raise unknown_name(kind, name, known)
    return chosen


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.anomaly")
