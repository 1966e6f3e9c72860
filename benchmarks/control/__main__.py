"""The command: ``python -m benchmarks.control``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.control import curves, report
from benchmarks.control.cells import LEARNERS, SAME, WORLDS, cells
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1
_MISSING = "not installed"


class _Control(Command):
    lists = ("--envs", "--agents", "--only")
    interrupted = "Interrupted; the runs that ended are in --out, and are not done again."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    cls=_Control, epilog="Example: python -m benchmarks.control --envs Pendulum-v1 --seeds 1"
)
def main(
    envs: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(WORLDS)}.")
    ] = None,
    agents: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(LEARNERS)}.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PAIR...", help="Pairs alone, as in Pendulum-v1:flow."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds, from 0.")] = 5,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="In each environment, up to whole rounds; its own by default."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=1e-6, help="Weight of the entropy of all agents; learned by default."),
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, help="By which a round is judged.")] = 50,
    drawn: Annotated[
        int, typer.Option(min=1, help="Episodes with chance by which goals are counted.")
    ] = 400,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path,
        typer.Option(help="JSON file to write; .md with the tables and .png go beside it."),
    ] = Path("runs/control.json"),
) -> None:
    """Train each agent in each environment with each seed; report returns, goals and speed.

    Runs that --out already holds are not done again, so --seeds may grow.
    """
    chosen = cells(envs, agents, only)
    reports.prepare(out)
    settings = {"steps": steps, "temperature": temperature, "episodes": episodes}
    settings |= {"drawn": drawn, "threads": threads}
    record = reports.begun(out, settings, "runs")
    record["same"] = dict(SAME)
    failed, told = False, set()
    # Seed by seed, so that a run cut short has something of every agent.
    for seed in range(seeds):
        for name, learner in chosen:
            done = record["runs"].setdefault(name, {}).setdefault(learner, {})
            if done.get(str(seed), {}).get("status") != "ok":
                with progress_console().status(f"{name}, {learner}, seed {seed}"):
                    done[str(seed)] = _run(name, learner, seed, settings)
                reports.write(out, record, report.markdown(record))
                curves.write(out, record["runs"])
            result = done[str(seed)]
            missing = result["status"] == _MISSING
            failed |= result["status"] == "failed"
            if result["status"] != "ok" and not (missing and result["message"] in told):
                place = f"{name}, {learner}" + ("" if missing else f", seed {seed}")
                note(f"{place}: {result['status']}: {result['message']}")
                told.add(result["message"])
    console = result_console()
    console.print(report.markdown(record), markup=False, highlight=False)
    written = [out, *(path for path in map(out.with_suffix, (".md", ".png")) if path.exists())]
    console.print(f"Written to {', '.join(map(str, written))}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _run(name: str, learner: str, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    job = {"env": name, "agent": learner, "seed": seed, **settings}
    needs = ("gymnasium", *WORLDS[name].needs, *LEARNERS[learner].needs)
    return isolated.launch("benchmarks.control.worker", job, needs, settings["threads"])[0]


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.control")
