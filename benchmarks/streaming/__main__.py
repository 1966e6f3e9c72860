"""The command: ``python -m benchmarks.streaming``."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.streaming import report, table
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1
_WORKER = "benchmarks.streaming.worker"
_NEEDS = ("pyarrow",)
_HELD, _HELD_SEED = 100_000, 10**6

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class _Streaming(Command):
    interrupted = "Interrupted; what is done is in --out, and is not done again."


@app.command(cls=_Streaming, epilog="Example: python -m benchmarks.streaming --rows 2000000")
def main(
    rows: Annotated[int, typer.Option(min=1000, help="Of the table.")] = 18_000_000,
    columns: Annotated[int, typer.Option(min=2, help="Of numbers, beside a category.")] = 20,
    part: Annotated[int, typer.Option(min=100, help="Rows of a part.")] = 500_000,
    sample: Annotated[int, typer.Option(min=100, help="Rows also fitted whole.")] = 500_000,
    scored: Annotated[int, typer.Option(min=100, help="Rows that are scored.")] = 10_000_000,
    whole: Annotated[int, typer.Option(min=100, help="Rows also scored whole.")] = 2_000_000,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of each fit.")] = 4.0,
    mixed: Annotated[bool, typer.Option(help="Also fit all columns by --flow columns.")] = True,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where tables and fits are made.")] = Path(
        "runs/streaming"
    ),
    out: Annotated[
        Path, typer.Option(help="JSON file to write; .md with the tables goes beside it.")
    ] = Path("runs/streaming.json"),
) -> None:
    """Fit and score a table larger than memory, and parts of it in memory; report both.

    What --out already holds is not done again.
    """
    reports.prepare(out)
    settings = {"rows": rows, "columns": columns, "minutes": minutes, "threads": threads}
    settings |= {"sample": sample, "scored": scored, "whole": whole, "part": part}
    record = reports.begun(out, settings, "results")
    done: dict[str, Any] = record["results"]
    with progress_console().status("writing the tables"):
        record["bytes"] = table.folder(folder / "table", rows, columns, part)
        table.folder(folder / "sample", sample, columns, sample)
        table.folder(folder / "scored", scored, columns, part)
        table.folder(folder / "whole", whole, columns, part)
        held = folder / "held.parquet"
        if not held.exists():
            table.write(held, _HELD, columns, _HELD_SEED)
    truth = table.log_prob(table.rows(_HELD, columns, _HELD_SEED)[0])
    for name, job in _jobs(folder, table.names(columns), minutes, mixed).items():
        if done.get(name, {}).get("status") == "ok":
            continue
        with progress_console().status(name):
            result, scores = isolated.launch(_WORKER, job, _NEEDS, threads)
        if scores is not None and len(scores) == _HELD:
            result["gap_nats"] = report.mean(truth - scores)
            np.save(folder / f"{name.replace(' ', '_')}.npy", scores)
        elif scores is not None and len(scores):
            result["rows"] = len(scores)
        done[name] = result
        if result["status"] != "ok":
            note(f"{name}: {result['message']}")
        pair = [folder / f"held_out,_{one}.npy" for one in ("streamed", "in_memory")]
        if all(path.exists() for path in pair):
            both = [np.load(path).astype(np.float64) for path in pair]
            record["difference_nats"] = report.mean(both[0] - both[1])
        reports.write(out, record, report.markdown(record))
    result_console().print(report.markdown(record), markup=False)
    if any(one["status"] != "ok" for one in done.values()):
        raise typer.Exit(FAILED)


def _jobs(folder: Path, names: list[str], minutes: float, mixed: bool) -> dict[str, dict[str, Any]]:
    runs = {"streamed": folder / "run_streamed", "in memory": folder / "run_in_memory"}
    about = {"flow": "maf", "columns": names, "minutes": minutes}
    fits = {
        "streamed": {**about, "data": str(folder / "table"), "stream": True},
        "in memory": {**about, "data": str(folder / "sample"), "stream": False},
    }
    jobs = {
        f"fit, {name}": {"task": "fit", "run": str(runs[name]), **job} for name, job in fits.items()
    }
    for name, run in runs.items():
        output = str(folder / f"held_{name.replace(' ', '_')}.parquet")
        about = {"run": str(run), "data": str(folder / "held.parquet"), "output": output}
        jobs[f"held out, {name}"] = {"task": "score", **about}
    run, output = str(runs["streamed"]), str(folder / "scores.parquet")
    scored = {"score, streamed": "scored", "score, streamed again": "whole"}
    for name, data in scored.items():
        about = {"run": run, "data": str(folder / data), "output": output}
        jobs[name] = {"task": "score", **about}
    about = {"run": run, "data": str(folder / "whole"), "output": output}
    jobs["score, in memory"] = {"task": "whole", **about}
    if mixed:
        about = {"flow": "columns", "columns": None, "minutes": minutes}
        about |= {"data": str(folder / "table"), "run": str(folder / "run_columns")}
        jobs["fit, streamed, mixed"] = {"task": "fit", "stream": True, **about}
    return jobs


if __name__ == "__main__":
    app()
