"""The command: ``python -m benchmarks.inference --data DIR``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.inference import report
from benchmarks.inference.posteriors import Posterior, files
from benchmarks.inference.ways import OURS, WAYS
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.terminal import import_tensorflow, note, progress_console, result_console

FAILED = 1
_CONJUGATE = {"steps": 1000, "draws": 128}


class _Inference(Command):
    lists = ("--only", "--ways")
    interrupted = "Interrupted; what was done is in --out, and is not done again."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Inference, epilog="Example: python -m benchmarks.inference --data posteriors")
def main(
    data: Annotated[
        Path | None, typer.Option(help="Folder of posteriors with references, .json.")
    ] = None,
    conjugate: Annotated[
        bool, typer.Option("--conjugate", help="Log-evidences that are known instead.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Of --conjugate: data sets a model.")] = 5,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help="Posteriors; all by default.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of each fit of ours, at most.")] = 3.0,
    peers: Annotated[bool, typer.Option(help="Whether the peers' ways are gone too.")] = False,
    ways: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(WAYS)}.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and draws.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the tables goes beside it.")
    ] = Path("runs/inference.json"),
) -> None:
    """Fit each posterior; report errors of means and deviations beside the reference's.

    What --out already holds is not done again. With --conjugate, log-evidences beside exact ones.
    """
    if (data is None) != conjugate:
        raise InputError("Give either --data FOLDER with posteriors, or --conjugate.")
    for name in ways or ():
        if name not in WAYS:
            raise unknown_name("way", name, WAYS)
    chosen = [name for name in WAYS if name in (ways or (WAYS if peers else OURS))]
    reports.prepare(out)
    if conjugate:
        _evidences(out, seeds)
        return
    settings = {"minutes": minutes, "seed": seed, "threads": threads}
    record = reports.begun(out, settings, "posteriors")
    failed = False
    for name, path in files(data, only).items():
        posterior = Posterior.read(path)
        shape = {"dimension": posterior.dimension, "log_ratio": posterior.log_ratio}
        done = record["posteriors"].setdefault(name, shape | {"ways": {}})["ways"]
        for way in chosen:
            if done.get(way, {}).get("status") != "ok":
                with progress_console().status(f"{name}, {way}"):
                    done[way] = _gone(way, path, settings, done.get("flow", {}))
                reports.write(out, record, report.markdown(record))
            if done[way]["status"] != "ok":
                failed = True
                note(f"{name}, {way}: {done[way]['status']}: {done[way]['message']}")
    console = result_console()
    console.print(report.markdown(record), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _evidences(out: Path, seeds: int) -> None:
    import_tensorflow()
    from benchmarks.inference import conjugate

    settings = {"seeds": seeds, "flows": ["full_rank", "auto"], "options": _CONJUGATE}
    record = {"settings": settings, "machine": reports.machine(), "fits": []}
    for _ in conjugate.each(record):
        reports.write(out, record, conjugate.report(record))
    result_console().print(conjugate.report(record), markup=False, highlight=False)
    result_console().print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)


def _gone(way: str, path: Path, settings: dict[str, Any], flow: dict[str, Any]) -> dict[str, Any]:
    job = {"path": str(path), "way": way, **settings}
    if way not in OURS:
        if way != "nuts" and "steps" not in flow:
            return {"status": "failed", "message": "it takes the steps of the flow, which has none"}
        job |= {"steps": flow.get("steps"), "draws": flow.get("draws")}
    needs = ("tensorflow", "tfp_flows", *WAYS[way][1])
    result, _ = isolated.launch("benchmarks.inference.worker", job, needs, settings["threads"])
    return result


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.inference")
