"""The command: what it takes, checked before anything is measured."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.command import Command
from benchmarks.speed import interpreters, machine, results, tables
from benchmarks.speed.cases import BATCHES, FLOWS, HIDDEN_UNITS, Case
from benchmarks.speed.peers import LIBRARIES
from benchmarks.speed.schedule import CaseRun, Settings
from tfp_flows.errors import InputError


class _Speed(Command):
    lists = ("--flows", "--dims", "--batches", "--libraries", "--python")
    interrupted = "Interrupted; --resume goes on."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    cls=_Speed,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: python -m benchmarks.speed --flows maf realnvp --dims 43 --batches 100 1000 "
    "--libraries tfp_flows flowjax --python flowjax=/other/bin/python",
)
def speed(
    flows: Annotated[list[str], typer.Option(help="Flows.")] = list(FLOWS),  # noqa: B006
    dims: Annotated[list[int], typer.Option(help="Dimensions.")] = list(HIDDEN_UNITS),  # noqa: B006
    batches: Annotated[list[int], typer.Option(help="Batch sizes.")] = list(BATCHES),  # noqa: B006
    libraries: Annotated[list[str], typer.Option(help="Libraries.")] = list(LIBRARIES),  # noqa: B006
    rounds: Annotated[int, typer.Option(min=1, help="Rounds over all libraries.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.01, help="Seconds of a measurement.")] = 2.0,
    limit: Annotated[float, typer.Option(min=1, help="Seconds until one is given up.")] = 120.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each library.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of speed.json and speed.md.")] = Path(
        "runs/speed"
    ),
    python: Annotated[
        list[str],
        typer.Option(metavar="LIBRARY=INTERPRETER", help="A Python that has this library."),
    ] = [],  # noqa: B006
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run in --out.")] = False,
) -> None:
    """Measure training, densities and samples of this package and its peers.

    Each library runs in a process of its own, on the same arrays and the same architecture, in
    turns. Libraries that cannot be imported are left out. Options that take several values take
    them with spaces between.
    """
    flows = interpreters.known("flow", flows, FLOWS)
    libraries = interpreters.known("library", libraries, LIBRARIES)
    dims = interpreters.known("number of dimensions", dims, HIDDEN_UNITS)
    if min(batches) < 1:
        raise InputError(f"--batches takes positive numbers, got {min(batches)}.")
    cores = len(os.sched_getaffinity(0))
    if threads > cores:
        raise InputError(f"--threads {threads}, but there are {cores} cores.")
    settings = Settings(rounds, seconds, limit, threads)
    found = interpreters.probe(libraries, interpreters.parse(python), threads)
    chosen = {n: f.pop("interpreter") for n, f in found.items() if not f["missing"]}
    for facts in found.values():
        facts.pop("interpreter", None)
    if not chosen:
        raise InputError("None of the libraries can be imported; see --python.")
    head = {
        "format": results.FORMAT,
        "settings": dataclasses.asdict(settings),
        "machine": machine.describe(),
        "libraries": found,
    }
    cases = [
        Case(flow, d, FLOWS[flow].sizes[d], batch, layers=FLOWS[flow].layers)
        for flow in flows
        for d in dims
        for batch in dict.fromkeys(batches)
        if d in FLOWS[flow].sizes
    ]
    if not cases:
        raise InputError(f"{', '.join(flows)} are not measured at {', '.join(map(str, dims))}.")
    _measure(cases, chosen, settings, head, out, resume)


def _measure(cases, chosen, settings, head, out: Path, resume: bool) -> None:
    results.prepare_folder(out)
    path, screen = out / "speed.json", Console()
    if not screen.is_terminal:
        screen.width = 120
    if path.exists() and not resume:
        raise InputError(f"{path} exists; give --resume to go on with it, or another --out.")
    run = results.load(path, head) if path.exists() else {**head, "cases": []}
    for line in tables.head(run):
        screen.print(line, highlight=False)
    progress = Console(stderr=True)
    done = {Case.from_dict(record["case"]).key for record in run["cases"]}
    for case in cases:
        if case.key in done:
            continue
        with progress.status(case.key) as status:
            record = CaseRun(case, chosen, settings, status.update).run()
        for entry in record["entries"]:
            results.summarise(entry)
        run["cases"].append(record)
        results.write(path, json.dumps(run))
        results.write(out / "speed.md", tables.report(run))
        screen.print(tables.case_table(record, list(run["libraries"])).rich())
    for table in tables.all_tables(run)[len(run["cases"]) :]:
        screen.print(table.rich())
    screen.print(f"Written to {path} and {out / 'speed.md'}.", highlight=False)
