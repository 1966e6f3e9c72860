"""The command: ``python -m benchmarks.density --data FILE``."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks import reports
from benchmarks.command import Command
from benchmarks.density import report
from benchmarks.density.data import KINDS, Task, load
from benchmarks.density.recipes import MODELS, RECIPES, Recipe
from benchmarks.density.worker import Job, launch
from tfp_flows.errors import unknown_name
from tfp_flows.options import parse_hidden
from tfp_flows.terminal import progress_console, result_console

FAILED = 1


class _Density(Command):
    lists = ("--data", "--models")
    interrupted = "Interrupted; the models that were done are in --out."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    cls=_Density,
    epilog="Example: python -m benchmarks.density --data patches.npz power.npy --minutes 5",
)
def main(
    data: Annotated[list[Path], typer.Option(metavar="PATH...", help="Files of data.")],
    kind: Annotated[
        str | None,
        typer.Option(help=f"Kind of the files: {', '.join(KINDS)}; found by itself otherwise."),
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(MODELS)}.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Wall-clock training time of each model.")
    ] = 5.0,
    seed: Annotated[int, typer.Option(min=0, help="Of noise, split, weights, order.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each model.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the tables goes beside it.")
    ] = Path("runs/density.json"),
    layers: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    hidden: Annotated[
        str | None, typer.Option(metavar="N,N", help="Hidden layers, instead of the recipe's.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0.0, help="Of Adam at the start, instead of the recipe's.")
    ] = None,
) -> None:
    """Compare test log-likelihoods after the same training time on the same rows.

    Files: uint8 patches with train, val and test (.npz), mnist.npz, the five tables of the MAF
    paper as their sources distribute them, or any table of numbers (.npy, .csv). Each model is
    trained in a process of its own; results are saved after each.
    """
    chosen = list(dict.fromkeys(models or [n for n in MODELS if not MODELS[n].asked]))
    for name in chosen:
        if name not in MODELS:
            raise unknown_name("model", name, MODELS)
    reports.prepare(out)
    given = {
        "layers": layers,
        "hidden": None if hidden is None else tuple(parse_hidden(hidden)),
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    given = {name: value for name, value in given.items() if value is not None}
    tasks = [load(path, kind, seed=seed) for path in data]
    record = {
        "settings": {"minutes": minutes, "seed": seed, "threads": threads},
        "machine": reports.machine(),
        "data": [],
    }
    console, failed = result_console(), False
    for task in tasks:
        recipe = dataclasses.replace(RECIPES[task.kind], **given)
        entry = _entry(task, recipe)
        record["data"].append(entry)
        scores = {}
        for name in chosen:
            job = Job(str(task.path), task.kind, name, recipe, minutes, seed, threads)
            with progress_console().status(f"{task.path.name}: {name}"):
                result, score = launch(job)
            if score is not None:
                scores[name] = score
            failed |= result["status"] == "failed"
            entry["models"][name] = result
            entry["differences"] = report.compare(
                scores, {name: MODELS[name].beside for name in scores if MODELS[name].beside}
            )
            reports.write(out, record, report.markdown(record))
            _say(task, name, result)
        report.show(entry, console)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _entry(task: Task, recipe: Recipe) -> dict[str, Any]:
    return {
        "file": task.path.name,
        "kind": task.kind,
        "size": task.size,
        "rows": task.rows(),
        "recipe": dataclasses.asdict(recipe),
        "models": {},
        "differences": {},
    }


def _say(task: Task, name: str, result: dict[str, Any]) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if result["status"] == "ok":
        text = f"{result['test']['mean_nats']:.3f} nats after {result['seconds']:.0f} s"
    else:
        text = f"{result['status']}: {result['message']}"
    console.print(f"{task.path.name}: {name}: {text}", markup=False)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.density")
