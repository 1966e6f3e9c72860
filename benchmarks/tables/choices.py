"""Other ways to model tables, measured: ``python -m benchmarks.tables.choices``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1
WAYS = {
    "classes": ("probabilities", "uniform noise", "learned noise", "argmax"),
    "gaps": ("any order", "one order", "complete rows"),
}


class _Choices(Command):
    lists = ()
    interrupted = "Interrupted; what was done is in --out, and is not done again."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Choices, epilog="Example: python -m benchmarks.tables.choices --threads 1")
def main(
    rows: Annotated[int, typer.Option(min=1_000, help="Of training, and held out.")] = 20_000,
    epochs: Annotated[int, typer.Option(min=1, help="At most.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of rows and weights.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the tables goes beside it.")
    ] = Path("runs/choices.json"),
) -> None:
    """Compare ways to model classes, and rows with gaps, on a law that is known.

    What --out already holds is not done again.
    """
    reports.prepare(out)
    settings = {"rows": rows, "epochs": epochs, "seed": seed, "threads": threads}
    record = reports.begun(out, settings, "ways")
    failed = False
    for question, ways in WAYS.items():
        for way in ways:
            key = f"{question}: {way}"
            if record["ways"].get(key, {}).get("status") != "ok":
                job = {"question": question, "way": way, **settings}
                with progress_console().status(key):
                    record["ways"][key] = isolated.launch(
                        "benchmarks.tables.choices_worker", job, ("tfp_flows", "pandas"), threads
                    )[0]
                reports.write(out, record, markdown(record))
            result = record["ways"][key]
            if result["status"] != "ok":
                failed = True
                note(f"{key}: {result['status']}: {result['message']}")
    console = result_console()
    console.print(markdown(record), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def markdown(record: dict[str, Any]) -> str:
    """The record as text: a table for classes, one for gaps."""
    settings, ways = record["settings"], record["ways"]

    def done(question):
        results = ((way, ways.get(f"{question}: {way}", {})) for way in WAYS[question])
        return [(way, result) for way, result in results if result.get("status") == "ok"]

    lines = [
        "# Choices",
        "",
        f"{settings['rows']:,} rows of a class of five, one of thirty given it, and two numbers; "
        f"{settings['epochs']} epochs at most, {settings['threads']} threads of "
        f"{record['machine']['processor']}, seed {settings['seed']}. Nats short of the law on as "
        "many rows held out, ± two standard errors.",
        "",
        *reports.pipes(
            ("classes by", "short of the law", "of 64 draws", "fit, s", "parameters"),
            [
                (
                    way,
                    _nats(each, "gap"),
                    _nats(each, "tighter"),
                    f"{each['seconds']:.0f}",
                    f"{each['parameters']:,}",
                )
                for way, each in done("classes")
            ],
        ),
        "",
        "Three of ten cells removed at random before the fit. Place: the class of thirty given the "
        "three other columns, asked at once, and by the densities of a row in all thirty.",
        "",
        *reports.pipes(
            ("gaps by", "rows", "short of the law", "place, at once", "place, by thirty", "fit, s"),
            [
                (
                    way,
                    f"{each['rows']:,}",
                    _nats(each, "gap"),
                    _nats(each, "asked"),
                    _nats(each, "summed"),
                    f"{each['seconds']:.0f}",
                )
                for way, each in done("gaps")
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def _nats(result: dict[str, Any], name: str) -> str:
    if f"{name}_nowhere" in result:
        return f"{result[f'{name}_nowhere']:,} rows without density"
    if name not in result:
        return ""
    return f"{result[name]:.3f} ± {2 * result[name + '_error']:.3f}"


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.tables.choices")
