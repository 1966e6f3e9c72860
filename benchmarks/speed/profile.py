"""`python -m benchmarks.speed.profile`: where the time of a call goes, in parts that sum to it.

Each part is a difference between two calls, one of which lacks it; what no difference explains is
a row of its own. The floor is a compiled `tf.function` that takes as many variables and computes
nothing.
"""

import dataclasses
import json
import os
import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.command import Command
from benchmarks.speed import interpreters
from benchmarks.speed.cases import FLOWS, HIDDEN_UNITS, Case
from benchmarks.speed.tables import Table
from tfp_flows.errors import InputError

ROWS = {
    "maf-log_prob-100": ("maf", "log_prob", 100),
    "maf-log_prob-1000": ("maf", "log_prob", 1000),
    "realnvp-log_prob-100": ("realnvp", "log_prob", 100),
    "realnvp-log_prob-1000": ("realnvp", "log_prob", 1000),
    "maf-train-100": ("maf", "train", 100),
}
DIMS = 6


class _Profile(Command):
    lists = ("--rows",)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def density_parts(many: dict[str, float], one: dict[str, float]) -> dict[str, float]:
    """Parts of a density's seconds, which sum to the whole.

    Args:
        many: Seconds of the calls of `ablations.log_prob_parts`, with all threads.
        one: Likewise with one thread.
    """
    kernels = one["frozen"] - one["no products"]
    parts = {
        "Python and dispatch": many["empty"],
        "captured variables": many["captures"] - many["empty"],
        "masks": many["whole"] - many["no masks"],
        "layout changes and sums": many["layout"] - many["empty"],
        "elementwise": many["no products"] - many["layout"],
        "kernels, one thread": kernels,
        "threads": many["frozen"] - many["no products"] - kernels,
    }
    return parts | {"not explained": many["whole"] - sum(parts.values())}


def training_parts(many: dict[str, float], one: dict[str, float]) -> dict[str, float]:
    """Parts of a training step's seconds, which sum to the whole; as `density_parts`."""
    parts = {
        "Keras, rows, Python": many["whole"] - many["program"],
        "dispatch and captured variables": many["captures"],
        "masks": many["program"] - many["no masks"],
        "optimiser and measures": many["program"] - many["gradients"],
        "kernels, one thread": one["products"],
        "threads": many["products"] - one["products"],
    }
    return parts | {"elementwise, layout, the rest": many["whole"] - sum(parts.values())}


def table(name: str, parts: dict[str, float], many: dict[str, float], threads: int) -> Table:
    """The table of one row behind."""
    whole = sum(parts.values())
    cells = [(part, f"{1e3 * s:.3f}", f"{s / whole:.0%}") for part, s in parts.items()]
    cells.append(("sum", f"{1e3 * whole:.3f}", "100%"))
    notes = [f"Threads: what {threads} save (below zero) or cost beside one."]
    if "frozen" in many:
        floor, frozen = (f"{1e3 * many[key]:.3f}" for key in ("captures", "frozen"))
        notes += [
            f"The floor, an empty function with as many captured variables: {floor} ms.",
            f"The same density with its weights as constants: {frozen} ms.",
        ]
    flow, operation, batch = ROWS[name]
    title = f"{flow} {operation}, D={DIMS}, batch {batch}"
    return Table(title, ("part", "ms", "of the whole"), cells, tuple(notes))


def measured(name: str, threads: int, seconds: float) -> dict[str, float]:
    """Seconds of the calls of a row, measured in a process of its own.

    Raises:
        InputError: If that process fails.
    """
    flow, operation, batch = ROWS[name]
    case = Case(flow, DIMS, HIDDEN_UNITS[DIMS], batch, layers=FLOWS[flow].layers)
    asked = {"case": dataclasses.asdict(case), "operation": operation}
    asked |= {"threads": threads, "seconds": seconds}
    command = [sys.executable, "-m", "benchmarks.speed.ablations", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"{name} could not be measured: {last[:300]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


@app.command(
    cls=_Profile,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: python -m benchmarks.speed.profile --rows maf-log_prob-100 --seconds 2",
)
def profile(
    rows: Annotated[list[str], typer.Option(help="What is profiled.")] = list(ROWS),  # noqa: B006
    seconds: Annotated[float, typer.Option(min=0.01, help="Seconds of a measurement.")] = 1.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of TensorFlow.")] = 2,
) -> None:
    """Print where the time of small flows goes: calls with and without each part.

    The machine should be idle: a part is a difference between two medians.
    """
    rows = interpreters.known("row", rows, ROWS)
    cores = len(os.sched_getaffinity(0))
    if threads > cores:
        raise InputError(f"--threads {threads}, but there are {cores} cores.")
    screen = Console()
    if not screen.is_terminal:
        screen.width = 120
    before = os.getloadavg()[0]
    for name in rows:
        many, one = (measured(name, count, seconds) for count in (threads, 1))
        parts = training_parts if ROWS[name][1] == "train" else density_parts
        screen.print(table(name, parts(many, one), many, threads).rich())
    load = f"Load of the machine: {before:.1f} before, {os.getloadavg()[0]:.1f} after."
    screen.print(load, highlight=False)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.speed.profile")
