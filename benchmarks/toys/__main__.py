"""The command: ``python -m benchmarks.toys``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.toys import report
from benchmarks.toys.flows import FLOWS
from tfp_flows.datasets import TOYS
from tfp_flows.errors import unknown_name
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1


class _Toys(Command):
    lists = ("--toys", "--flows")
    interrupted = "Interrupted; what was done is in --out."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Toys, epilog="Example: python -m benchmarks.toys --toys u1 checkerboard")
def main(
    toys: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(TOYS)}.")
    ] = None,
    flows: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(FLOWS)}.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="Training time of each.")] = 30.0,
    seed: Annotated[int, typer.Option(min=0, help="Of data and weights.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/toys.json"),
) -> None:
    """Fit each flow to each toy for the same time; report nats of KL divergence.

    The divergence is that of the exact density to the flow's, a mean over fresh draws. Where the
    exact density is not known, the mean log-likelihood of fresh draws stands instead.
    """
    chosen_toys = _known("toy", toys, TOYS)
    chosen_flows = _known("flow", flows, FLOWS)
    reports.prepare(out)
    record: dict[str, Any] = {
        "settings": {"seconds": seconds, "seed": seed, "threads": threads},
        "machine": reports.machine(),
        "flows": {},
    }
    failed = False
    for flow in chosen_flows:
        job = {"flow": flow, "toys": chosen_toys, "seconds": seconds, "seed": seed}
        with progress_console().status(flow):
            result, _ = isolated.launch(
                "benchmarks.toys.worker", job, ("tensorflow", "tfp_flows"), threads
            )
        record["flows"][flow] = result
        reports.write(out, record, report.markdown(record))
        if result["status"] != "ok":
            failed = True
            note(f"{flow}: {result['status']}: {result['message']}")
    console = result_console()
    console.print(report.markdown(record), markup=False, highlight=False)
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
    app(prog_name="python -m benchmarks.toys")
