"""What a run leaves: Markdown, and tables on the screen."""

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.reports import pipes

_HEADER = (
    "model",
    "test, bits/dim (± 2 s.e.)",
    "images/s",
    "epochs",
    "to first step, s",
    "peak memory, GiB",
    "parameters",
)
_NARROWEST = 100


def markdown(record: dict[str, Any]) -> str:
    """The record as text with a table for each file."""
    settings, recipe = record["settings"], record["recipe"]
    lines = [
        "# Glow at equal cost",
        "",
        f"{settings['minutes']:g} minutes of training a model, with compilation and validation, "
        f"{settings['threads']} threads of {record['machine']['processor']}, seed "
        f"{settings['seed']}. {recipe['levels']} levels of {recipe['depth']} steps, "
        f"{recipe['channels']} channels, Adam, warmed up to {recipe['learning_rate']:g}, then by a "
        f"cosine to 0, "
        f"batches of {recipe['batch_size']}. Bits per dimension of 8-bit images with uniform "
        "dequantisation; lower is better.",
    ]
    for entry in record["data"]:
        rows = [cells(name, run) for name, run in entry["models"].items()]
        lines += ["", f"## {title(entry)}", "", *pipes(_HEADER, rows)]
    return "\n".join(lines) + "\n"


def title(entry: dict[str, Any]) -> str:
    """The file, its size and its parts."""
    counts = " / ".join(f"{count:,}" for count in entry["images"].values())
    return f"{entry['file']}: {' x '.join(map(str, entry['shape']))}, {counts} images"


def cells(name: str, run: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table."""
    if run["status"] != "ok":
        return (name, f"{run['status']}: {run['message']}", *[""] * (len(_HEADER) - 2))
    rate = run["images_per_second"]
    return (
        name,
        f"{run['bits_per_dim']:.3f} ± {2 * run['standard_error_bits']:.3f}",
        "" if rate is None else f"{rate:.0f}",
        f"{run['epochs']:.1f}",
        f"{run['compile_seconds']:.1f}",
        f"{run['peak_memory_gib']:.1f}",
        f"{run['parameters']:,}",
    )


def show(entry: dict[str, Any], console: Console) -> None:
    """Prints the table of one file."""
    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(_HEADER):
        table.add_column(name, justify="right" if i else "left")
    for name, run in entry["models"].items():
        row = cells(name, run)
        table.add_row(*(row if run["status"] == "ok" else (name, run["status"])))
    console.print(title(entry), markup=False)
    console.print(table, width=max(console.width, _NARROWEST))
