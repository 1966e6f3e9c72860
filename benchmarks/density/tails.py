"""Whether a few ordinary rows rule a held-out figure: ``python -m benchmarks.density.tails``."""

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import reports
from benchmarks.command import Command
from benchmarks.density.data import Task, load
from benchmarks.density.recipes import RECIPES
from benchmarks.density.worker import Job, launch
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1
BELOW, ERRORS, FEW = 500.0, 2.0, 10
"""Nats that a row may be below a Gaussian, standard errors that so many rows may move the mean."""

FLOWS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "maf": ("ours-maf", 5),
        "realnvp": ("ours-realnvp", 5),
        "realnvp-12": ("ours-realnvp", 12),
        "iaf": ("ours-iaf", 5),
        "nsf": ("ours-nsf", 5),
        "nsf-ar": ("ours-nsf-ar", 5),
        "naf": ("ours-naf", 5),
        "zuko-maf": ("zuko-maf", 5),
    }
)
"""Name on the command line to the model of `benchmarks.density` and its number of layers."""


class _Tails(Command):
    lists = ("--data", "--flows", "--seeds")
    interrupted = "Interrupted; what was done is in --out, and is not done again."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    cls=_Tails,
    epilog="Example: python -m benchmarks.density.tails --data patches.npz --flows maf --seeds 0 1",
)
def main(
    data: Annotated[list[Path], typer.Option(metavar="PATH...", help="Files of data.")],
    flows: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(FLOWS)}.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option(metavar="SEED...", min=0, help="0 to 4 by default.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of each training.")] = 4.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/tails.json"),
) -> None:
    """Train flows with several seeds, and look at the held-out rows that they do worst.

    What --out already holds is not done again.
    """
    chosen = list(dict.fromkeys(flows or FLOWS))
    for name in chosen:
        if name not in FLOWS:
            raise unknown_name("flow", name, FLOWS)
    reports.prepare(out)
    record = reports.begun(out, {"minutes": minutes, "threads": threads}, "runs")
    failed = False
    for seed, path in itertools.product(dict.fromkeys(seeds or range(5)), data):
        task, gaussian = load(path, seed=seed), None
        for name in chosen:
            key = f"{path.name} {name} {seed}"
            if record["runs"].get(key, {}).get("status") == "ok":
                continue
            with progress_console().status(key):
                if gaussian is None:
                    result, gaussian = launch(_job(task, "gaussian", 1, 1.0, seed, threads))
                    if gaussian is None:
                        raise InputError(f"{path.name}: {result['message']}")
                model, layers = FLOWS[name]
                result, scores = launch(_job(task, model, layers, minutes, seed, threads))
            run = {"data": path.name, "flow": name, "seed": seed, "status": result["status"]}
            if scores is None:
                run["message"] = result["message"]
            else:
                run |= tails(scores, gaussian) | {"steps": result["steps"]}
            record["runs"][key] = run
            failed |= result["status"] == "failed"
            reports.write(out, record, markdown(record))
            note(f"{key}: {', '.join(_row(run)[3:])}")
    result_console().print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _job(task: Task, model: str, layers: int, minutes: float, seed: int, threads: int) -> Job:
    recipe = dataclasses.replace(RECIPES[task.kind], layers=layers)
    return Job(str(task.path), task.kind, model, recipe, minutes, seed, threads)


def tails(scores: np.ndarray, gaussian: np.ndarray) -> dict[str, Any]:
    """What the worst rows are, and what they do to the mean.

    Args:
        scores: Log-densities ``[rows]`` of held-out rows, in nats.
        gaussian: Those of the Gaussian that has the covariance of the training rows, ``[rows]``.

    Returns:
        ``mean``, ``median`` and ``worst``; ``below``, how many nats a row is below the Gaussian at
        most; ``without``, the mean without the ten worst rows; ``error``, the standard error of
        that, which a ruinous row does not swell; and ``held``, whether no row is more than 500
        nats below the Gaussian and the ten move the mean by at most two standard errors.
    """
    scores, gaussian = (np.asarray(values, np.float64) for values in (scores, gaussian))
    kept = np.sort(scores)[FEW:]
    error = float(kept.std(ddof=1) / np.sqrt(len(kept)))
    below, moved = float((gaussian - scores).max()), float(kept.mean() - scores.mean())
    return {
        "mean": float(scores.mean()),
        "median": float(np.median(scores)),
        "worst": float(scores.min()),
        "below": below,
        "without": float(kept.mean()),
        "error": error,
        "held": bool(below <= BELOW and abs(moved) <= ERRORS * error),
    }


def markdown(record: dict[str, Any]) -> str:
    """The record as text."""
    settings, runs = record["settings"], list(record["runs"].values())
    done = [run for run in runs if run["status"] == "ok"]
    held = sum(run["held"] for run in done)
    lines = [
        "# Tails",
        "",
        f"{settings['minutes']:g} minutes a training, {settings['threads']} threads of "
        f"{record['machine']['processor']}; nats of the test rows. Below: by how much a row is "
        f"below the Gaussian with the covariance of the training rows, at most. Held: at most "
        f"{BELOW:g}, and the {FEW} worst rows move the mean by at most {ERRORS:g} standard errors.",
        "",
        *reports.pipes(
            (
                "data",
                "flow",
                "seed",
                "mean",
                f"without {FEW}",
                "median",
                "worst row",
                "below",
                "held",
            ),
            [_row(run) for run in runs],
        ),
        "",
        f"Held: {held} of {len(done)}.",
    ]
    return "\n".join(lines) + "\n"


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    name = (run["data"], run["flow"], str(run["seed"]))
    if run["status"] != "ok":
        return (*name, f"{run['status']}: {run['message']}", *[""] * 5)
    return (
        *name,
        f"{run['mean']:,.3f}",
        f"{run['without']:,.3f} ± {2 * run['error']:.3f}",
        f"{run['median']:,.3f}",
        f"{run['worst']:,.1f}",
        f"{run['below']:,.1f}",
        "yes" if run["held"] else "no",
    )


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.density.tails")
