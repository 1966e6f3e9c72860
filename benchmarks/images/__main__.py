"""The command: ``python -m benchmarks.images --data FILE``."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.images import attributes as moving
from benchmarks.images import enlarging, report
from benchmarks.images.data import load
from benchmarks.images.models import MODELS, Recipe
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.terminal import note, progress_console, result_console

FAILED = 1


class _Images(Command):
    lists = ("--data", "--models")
    interrupted = "Interrupted; the models that were done are in --out."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    cls=_Images,
    epilog="Example: python -m benchmarks.images --data mnist.npz faces.npz --minutes 5",
)
def main(
    data: Annotated[list[Path], typer.Option(metavar="PATH...", help="Files of images.")],
    upscale: Annotated[
        int | None,
        typer.Option(min=2, help="Instead: enlarge images that were made so many times smaller."),
    ] = None,
    attributes: Annotated[
        bool, typer.Option("--attributes", help="Instead: move handwritten figures along two.")
    ] = False,
    run: Annotated[
        Path, typer.Option(help="Folder for the fits of both, which are begun if not there.")
    ] = Path("runs/images"),
    models: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(MODELS)}.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Wall-clock training time of each model.")
    ] = 5.0,
    seed: Annotated[int, typer.Option(min=0, help="Of splits, weights, order.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each model.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the tables goes beside it.")
    ] = Path("runs/images.json"),
    levels: Annotated[int, typer.Option(min=1, help="Scales.")] = Recipe.levels,
    depth: Annotated[int, typer.Option(min=1, help="Steps of a level.")] = Recipe.depth,
    channels: Annotated[int, typer.Option(min=1, help="Hidden channels.")] = Recipe.channels,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = Recipe.batch_size,
    learning_rate: Annotated[
        float, typer.Option(min=0.0, help="Of Adam at the start.")
    ] = Recipe.learning_rate,
) -> None:
    """Compare Glow's bits per dimension after the same training time on the same images.

    Or, by --upscale, our flow of large images given small ones with simpler ways; or, by
    --attributes, see whether slant and width of handwritten strokes follow the steps of an edit.

    Files: .npy or .npz files of bytes, padded to 32 x 32 pixels. Each model is trained in a
    process of its own; results are saved after each.
    """
    chosen = list(dict.fromkeys(models or MODELS))
    for name in chosen:
        if name not in MODELS:
            raise unknown_name("model", name, MODELS)
    reports.prepare(out)
    recipe = Recipe(levels, depth, channels, batch_size, learning_rate)
    if upscale is not None or attributes:
        if models or (attributes and upscale is not None):
            raise InputError(
                "--upscale, --attributes and --models are of three comparisons; give one of them."
            )
        if upscale is not None and recipe != Recipe():
            raise InputError(
                "--upscale fits the flow of tfp-flows fit --upscale; leave --levels, --depth, "
                "--channels, --batch-size and --learning-rate out."
            )
        settings = {"minutes": minutes, "seed": seed, "threads": threads}
        _others(data, upscale, run, settings, recipe, out)
        return
    loaded = {path: load(path, seed) for path in data}
    record = {
        "settings": {"minutes": minutes, "seed": seed, "threads": threads},
        "recipe": dataclasses.asdict(recipe),
        "machine": reports.machine(),
        "data": [],
    }
    console, failed = result_console(), False
    for path, images in loaded.items():
        entry: dict[str, Any] = {
            "file": path.name,
            "shape": images.shape,
            "images": images.sizes._asdict(),
            "models": {},
        }
        record["data"].append(entry)
        for name in chosen:
            job = {
                "path": str(path),
                "model": name,
                "recipe": record["recipe"],
                "minutes": minutes,
                "seed": seed,
            }
            with progress_console().status(f"{path.name}: {name}"):
                result, _ = isolated.launch(
                    "benchmarks.images.worker", job, MODELS[name].needs, threads
                )
            failed |= result["status"] == "failed"
            entry["models"][name] = result
            reports.write(out, record, report.markdown(record))
            if result["status"] != "ok":
                note(f"{path.name}: {name}: {result['status']}: {result['message']}")
        report.show(entry, console)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def _others(
    data: list[Path],
    upscale: int | None,
    run: Path,
    settings: dict[str, Any],
    recipe: Recipe,
    out: Path,
) -> None:
    """Enlarges, or moves along attributes; a picture of each file lies beside the report."""
    record = {"settings": settings, "machine": reports.machine(), "data": []}
    comparison, failed = moving if upscale is None else enlarging, False
    what = {"recipe": recipe} if upscale is None else {"factor": upscale}
    for path in data:
        place, picture = run / path.stem, out.with_name(f"{out.stem}_{path.stem}.png")
        record["data"].append({})
        with progress_console().status(path.name):
            for entry in comparison.results(path, place, picture, **what, **settings):
                record["data"][-1] = entry
                reports.write(out, record, comparison.markdown(record))
        failed |= any(found["status"] == "failed" for found in entry["models"].values())
    console = result_console()
    console.print(out.with_suffix(".md").read_text(encoding="utf-8"), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.images")
