"""Images moved along an attribute: does what is measured on them follow the step?

``python -m benchmarks.images.attributes FOLDER`` does it in a process of its own.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.images.data import SIZE, load
from benchmarks.images.models import Recipe
from benchmarks.images.strokes import ATTRIBUTES
from benchmarks.reports import pipes

_NEEDS = ("tensorflow", "tfp_flows")
# Training images that are looked at, and the share of them at each end that makes a set.
_EXAMPLES, _ENDS = 10_000, 0.2
_MEASURED, _SHOWN = 256, 4
STEPS = np.linspace(-1.0, 1.0, 9)
_HEADER = (
    "attribute",
    "along the direction",
    "Spearman, mean over images (± 2 s.e.)",
    "above 0.95, % of images",
    "at step -1",
    "as they are",
    "at step 1",
    "the other attribute, at -1 and 1",
)


def results(
    path: Path,
    run: Path,
    picture: Path,
    *,
    recipe: Recipe,
    minutes: float,
    seed: int,
    threads: int,
) -> Iterator[dict[str, Any]]:
    """The entry of a file in the record: a Glow's fit, unless that is done, and `measures`.

    Args:
        path: A file of handwritten figures, bright on black.
        run: Folder of the fit.
        picture: Picture to write.
        recipe: Architecture and optimiser.
        minutes: Training time.
        seed: Of the splits and weights.
        threads: Threads of each process.
    """
    settings = {"data": str(path), "size": SIZE, "flow": "glow", "plots": False}
    settings |= {"minutes": minutes, "seed": seed, "hidden": [recipe.channels]}
    settings |= {"batch_size": recipe.batch_size, "learning_rate": recipe.learning_rate}
    settings["flow_option"] = {"num_levels": recipe.levels, "depth": recipe.depth}
    job = {"run": str(run.resolve()), "settings": settings}
    fit, bits = isolated.launch("benchmarks.images.fits", job, _NEEDS, threads)
    entry = {"file": path.name, "models": {"glow": fit}}
    if fit["status"] == "ok":
        fit["bits_per_dim"] = float(bits.mean())
        yield entry
        job = {"path": str(path), "run": str(run.resolve()), "seed": seed, "picture": str(picture)}
        found, _ = isolated.launch("benchmarks.images.attributes", job, _NEEDS, threads)
        entry["models"]["edits"] = found
    yield entry


def measures(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Spearman's correlation of step and attribute, in this process.

    Args:
        job: ``path``, ``run``, ``seed``, ``picture``.

    Returns:
        For each attribute, along the flow's direction and along that of the pixels: mean, its
        standard error and share above 0.95 of the correlations of the images, and mean attributes
        at the first step, without a step, and at the last. And the flow's correlations
        ``[attributes, images]``.
    """
    import tfp_flows as tff
    from tfp_flows import plotting
    from tfp_flows.kinds.images.editing import direction, edited
    from tfp_flows.kinds.images.upscaling import examples

    images, flow = load(job["path"], job["seed"]), tff.open_run(Path(job["run"])).model.flow
    known = images.pixels.train[:_EXAMPLES].astype(np.float32)
    test = examples(images, _MEASURED, "test")
    rows, correlations, strips = [], [], []
    for name, attribute in ATTRIBUTES.items():
        values = attribute(known)
        low, high = np.quantile(values, [_ENDS, 1 - _ENDS])
        sets = known[values >= high], known[values <= low]
        of_pixels = sets[0].mean(axis=0) - sets[1].mean(axis=0)
        ways = {
            "of the flow": edited(flow, test, direction(flow, *sets), STEPS),
            "of the pixels": test + STEPS[:, None, None, None, None] * of_pixels,
        }
        for way, moved in ways.items():
            moved = np.clip(np.nan_to_num(moved), 0, 255)
            every = {key: of(moved.reshape(-1, *images.shape)) for key, of in ATTRIBUTES.items()}
            every = {key: value.reshape(len(STEPS), -1) for key, value in every.items()}
            own = every.pop(name)
            (other,) = every.values()
            found = spearman(own)
            rows.append(
                {
                    "attribute": name,
                    "way": way,
                    "spearman": float(found.mean()),
                    "standard_error": float(found.std(ddof=1) / math.sqrt(len(found))),
                    "above": float((found > 0.95).mean()),
                    "means": [float(own[i].mean()) for i in (0, len(STEPS) // 2, -1)],
                    "other": [float(other[i].mean()) for i in (0, -1)],
                }
            )
            if way == "of the flow":
                correlations.append(found)
                strips.append(moved[:, :_SHOWN].swapaxes(0, 1))
    strip = np.concatenate(strips).reshape(-1, *images.shape)
    plotting.save_images(strip, job["picture"], columns=len(STEPS))
    return {"status": "ok", "rows": rows, "measured": len(test)}, np.stack(correlations)


def spearman(values: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each column ``[steps, n]`` with the number of its row."""
    ranks = values.argsort(axis=0).argsort(axis=0) - (len(values) - 1) / 2
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    return (steps[:, None] * ranks).sum(axis=0) / np.square(steps).sum()


def markdown(record: dict[str, Any]) -> str:
    """The record as text with a table for each file."""
    settings = record["settings"]
    lines = [
        "# Images moved along attributes",
        "",
        f"{settings['minutes']:g} minutes of training, {settings['threads']} threads of "
        f"{record['machine']['processor']}, seed {settings['seed']}. Steps from -1 to 1 in units "
        "of the difference between the means of both sets.",
    ]
    for entry in record["data"]:
        lines += ["", f"## {entry['file']}"]
        for name, found in entry["models"].items():
            if found["status"] != "ok":
                lines += ["", f"{name}: {found['status']}: {found['message']}"]
        fit, edits = entry["models"]["glow"], entry["models"].get("edits", {})
        if "rows" in edits:
            lines += [
                "",
                f"{edits['measured']} test images; the Glow has {fit['bits_per_dim']:.3f} bits per "
                f"dimension, {fit['parameters']:,} parameters and {fit['epochs']} epochs.",
                "",
                *pipes(_HEADER, [_cells(row) for row in edits["rows"]]),
            ]
    return "\n".join(lines) + "\n"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["attribute"],
        row["way"],
        f"{row['spearman']:.3f} ± {2 * row['standard_error']:.3f}",
        f"{100 * row['above']:.0f}",
        *(f"{mean:.2f}" for mean in row["means"]),
        " and ".join(f"{mean:.2f}" for mean in row["other"]),
    )


if __name__ == "__main__":
    isolated.serve(measures)
