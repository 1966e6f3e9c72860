"""Our flow of large images given small ones, beside simpler ways and a flow without small ones."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.images.data import SIZE, load
from benchmarks.reports import pipes

GIVEN, WITHOUT = "super_resolution", "glow, without the small image"
_NEEDS = ("tensorflow", "tfp_flows")
_SHOWN = 6
_HEADER = (
    "model",
    "test, bits/dim (± 2 s.e.)",
    "another's small image, bits/dim",
    "PSNR, dB",
    "made small again, dB",
    "in the band, %",
    "peak memory, GiB",
    "parameters",
    "epochs",
)


def results(
    path: Path, run: Path, picture: Path, *, factor: int, minutes: float, seed: int, threads: int
) -> Iterator[dict[str, Any]]:
    """The entry of a file in the record, after each model anew.

    Args:
        path: A file of images.
        run: Folder of the fits; what is there already is not fitted again.
        picture: Picture to write.
        factor: How many times larger they are than those that are given.
        minutes: Training time of each flow.
        seed: Of splits, weights and samples.
        threads: Threads of each model.
    """
    images = load(path, seed)
    entry: dict[str, Any] = {
        "file": path.name,
        "shape": images.shape,
        "images": images.sizes._asdict(),
        "factor": factor,
        "models": {},
    }
    job = {"path": str(path), "upscale": factor, "seed": seed}
    result, bits = isolated.launch("benchmarks.images.linear", job, _NEEDS, threads)
    if result["status"] == "ok":
        entry["models"] |= {name: {"status": "ok", **m} for name, m in result["models"].items()}
        entry["models"]["Gaussian"] |= _bits(bits)
    else:
        entry["models"]["Gaussian"] = result
    yield entry
    for name, given in ((GIVEN, factor), (WITHOUT, None)):
        settings = {"data": str(path), "size": SIZE, "flow": "glow", "upscale": given}
        settings |= {
            "minutes": minutes,
            "seed": seed,
            "patience": 1000,
            "epochs": 100_000,
            "plots": False,
        }
        job = {"run": str(folder_of(run, name)), "settings": settings}
        result, bits = isolated.launch("benchmarks.images.fits", job, _NEEDS, threads)
        entry["models"][name] = result | ({} if bits is None else _bits(bits))
        yield entry
    if entry["models"][GIVEN]["status"] == "ok":
        draw(path, factor, run, seed, picture)


def folder_of(run: Path, name: str) -> Path:
    """Folder of a flow's fit."""
    return (run / ("conditional" if name == GIVEN else "unconditional")).resolve()


def _bits(bits: np.ndarray) -> dict[str, float]:
    error = bits.std(ddof=1) / math.sqrt(len(bits))
    return {"bits_per_dim": float(bits.mean()), "standard_error_bits": float(error)}


def markdown(record: dict[str, Any]) -> str:
    """The record as text with a table for each file."""
    settings = record["settings"]
    lines = [
        "# Large images given small ones",
        "",
        f"{settings['minutes']:g} minutes of training a flow, with compilation and validation, "
        f"{settings['threads']} threads of {record['machine']['processor']}, seed "
        f"{settings['seed']}.",
    ]
    for entry in record["data"]:
        rows = [_cells(name, found) for name, found in entry["models"].items()]
        shape = " x ".join(map(str, entry["shape"]))
        counts = " / ".join(f"{count:,}" for count in entry["images"].values())
        lines += [
            "",
            f"## {entry['file']}: {shape}, {entry['factor']} times larger, {counts} images",
            "",
            *pipes(_HEADER, rows),
        ]
    return "\n".join(lines) + "\n"


def _cells(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    if found["status"] != "ok":
        return (name, f"{found['status']}: {found['message']}", *[""] * (len(_HEADER) - 2))
    test = found["test"]

    def cell(known, form, key):
        return form.format(known[key]) if key in known else ""

    bits = ""
    if "bits_per_dim" in found:
        bits = f"{found['bits_per_dim']:.3f} ± {2 * found['standard_error_bits']:.3f}"
    level = {}
    if "consistency" in test:
        level["dB"] = 20 * math.log10(255 / max(test["consistency"], 1e-3))
    return (
        name,
        bits,
        cell(found, "{:,.1f}", "wrong_bits_median"),
        cell(test, "{:.2f}", "psnr"),
        cell(level, "{:.1f}", "dB"),
        cell({k: 100 * v for k, v in test.items() if k == "coverage"}, "{:.1f}", "coverage"),
        cell(found, "{:.2f}", "peak_memory_gib"),
        cell(found, "{:,}", "parameters"),
        cell(found, "{:,}", "epochs"),
    )


def draw(path: Path, factor: int, run: Path, seed: int, to: Path) -> None:
    """A picture of the first test images, a row each.

    Small; by cubic interpolation; by regression; the flow's sample at temperature 0, two at 0.8,
    the standard deviation of 32 (the largest white); true.
    """
    import tfp_flows as tff
    from benchmarks.images.linear import Regression, enlarged
    from tfp_flows import plotting
    from tfp_flows.kinds.images.upscaling import blown_up, examples, smaller

    images = load(path, seed)
    true = examples(images, _SHOWN, "test")
    small = smaller(true, factor).numpy()
    flow = tff.open_run(folder_of(run, GIVEN)).model.flow
    samples = flow.sample(32, small, seed=seed, temperature=0.8).numpy().clip(0, 255)
    deviations = samples.std(axis=0)
    rows = [
        blown_up(small, factor),
        enlarged(small, factor),
        Regression.fit(images.pixels, factor)(small),
        flow.sample(1, small, temperature=0.0)[0].numpy(),
        *samples[:2],
        deviations * (255 / deviations.max()),
        true,
    ]
    strip = np.stack(rows, axis=1).reshape(-1, *true.shape[1:])
    plotting.save_images(strip, to, columns=len(rows))
