"""What a run leaves: one JSON file, the same as Markdown beside it, and tables on the screen."""

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.density.published import PUBLISHED, differences, table_of
from benchmarks.reports import pipes

_HEADER = (
    "model",
    "test, nats (± 2 s.e.)",
    "median",
    "worst row",
    "bits/dim",
    "validation",
    "steps",
    "epochs",
    "seconds",
    "to first step",
    "steps/s",
    "parameters",
)
# Those that fit on a screen.
_SHOWN = ("model", "test, nats (± 2 s.e.)", "median", "worst row", "bits/dim", "steps", "seconds")
_NARROWEST = 100


def compare(scores: dict[str, np.ndarray], beside: dict[str, str]) -> dict[str, dict[str, float]]:
    """Differences of log-densities on the same test rows.

    Args:
        scores: Model to log-densities ``[rows]``, in nats.
        beside: Model to the one of ours that it is compared with.

    Returns:
        ``"ours - other"`` to ``mean_nats`` and ``standard_error_nats`` of the difference.
    """
    found = {}
    for other, ours in beside.items():
        if ours in scores and other in scores:
            gain = scores[ours] - scores[other]
            found[f"{ours} - {other}"] = {
                "mean_nats": float(gain.mean()),
                "standard_error_nats": float(gain.std(ddof=1) / np.sqrt(len(gain))),
            }
    return found


def markdown(record: dict[str, Any]) -> str:
    """The record as text with a table for each file."""
    settings = record["settings"]
    lines = [
        "# Test log-likelihood at equal cost",
        "",
        f"{settings['minutes']:g} minutes of training a model, with compilation and validation, "
        f"{settings['threads']} threads of {record['machine']['processor']}, seed "
        f"{settings['seed']}. Higher nats and lower bits are better; ± is two standard errors of "
        "the mean over test rows.",
    ]
    for entry in record["data"]:
        lines += ["", f"## {title(entry)}", "", recipe(entry), ""]
        lines += pipes(_HEADER, [cells(name, run) for name, run in entry["models"].items()])
        lines += [line for remark in remarks(entry) for line in ("", remark)]
        for name, gain in entry["differences"].items():
            lines += ["", f"Row by row, {name}: {_nats(gain)} nats."]
        if table_of(entry["kind"]):
            figures = PUBLISHED[table_of(entry["kind"])].items()
            rows = [(model, f"{nats:.2f}", source) for model, (nats, source) in figures]
            lines += ["", beside(entry), ""]
            lines += pipes((f"published {table_of(entry['kind'])}", "test, nats", "source"), rows)
    return "\n".join(lines) + "\n"


def title(entry: dict[str, Any]) -> str:
    """The file, its kind and size."""
    counts = " / ".join(f"{count:,}" for count in entry["rows"].values())
    return f"{entry['file']} ({entry['kind']}): {entry['size']} columns, {counts} rows"


def recipe(entry: dict[str, Any]) -> str:
    """The recipe in a sentence."""
    chosen = entry["recipe"]
    hidden = " x ".join(map(str, chosen["hidden"]))
    return (
        f"{chosen['layers']} layers, hidden {hidden}, {chosen['activation']}, Adam from "
        f"{chosen['learning_rate']:g} by a cosine to 0, batches of {chosen['batch_size']}."
    )


def remarks(entry: dict[str, Any]) -> list[str]:
    """A sentence for each model whose mean a single row carries."""
    found = {name: run.get("test", {}).get("remark") for name, run in entry["models"].items()}
    return [f"{name}: {sentence}" for name, sentence in found.items() if sentence]


def beside(entry: dict[str, Any]) -> str:
    """In which way the data differ from the published ones."""
    return differences(entry["kind"], entry["size"], entry["rows"])


def cells(name: str, run: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table."""
    if run["status"] != "ok":
        return (name, f"{run['status']}: {run['message']}", *[""] * (len(_HEADER) - 2))
    bits, steps = run["test"].get("bits_per_dim"), run["steps"]
    rate = run["steps_per_second"]
    return (
        name,
        _nats(run["test"]),
        _plain(run["test"]["median_nats"]),
        _plain(run["test"]["worst_nats"]),
        "" if bits is None else f"{bits:.3f} ± {2 * run['test']['bits_standard_error']:.3f}",
        f"{run['validation']['mean_nats']:.3f}",
        f"{steps:,}" if steps else "",
        f"{run['epochs']:.1f}" if steps else "",
        f"{run['seconds']:.1f}",
        f"{run['compile_seconds']:.1f}" if steps else "",
        f"{rate:.1f}" if steps and rate else "",
        f"{run['parameters']:,}",
    )


def show(entry: dict[str, Any], console: Console) -> None:
    """Prints the table of one file, and the published figures for its kind."""
    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(_SHOWN):
        table.add_column(name, justify="right" if i else "left")
    for name, run in entry["models"].items():
        row = dict(zip(_HEADER, cells(name, run), strict=True))
        shown = [row[column] for column in _SHOWN]
        table.add_row(*(shown if run["status"] == "ok" else (name, run["status"])))
    console.print(title(entry), markup=False)
    console.print(table, width=max(console.width, _NARROWEST))
    for remark in remarks(entry):
        console.print(remark, markup=False)
    for name, gain in entry["differences"].items():
        console.print(f"Row by row, {name}: {_nats(gain)} nats.")
    if table_of(entry["kind"]):
        figures = PUBLISHED[table_of(entry["kind"])].items()
        listed = ", ".join(f"{model} {nats:.2f}" for model, (nats, _) in figures)
        console.print(f"Published {table_of(entry['kind'])}, nats: {listed}. {beside(entry)}")


def _plain(value: float | None) -> str:
    return "not finite" if value is None else f"{value:,.6g}"


def _nats(measure: dict[str, float]) -> str:
    return f"{measure['mean_nats']:.3f} ± {2 * measure['standard_error_nats']:.3f}"
