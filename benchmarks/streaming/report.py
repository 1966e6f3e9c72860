"""What the benchmark of streamed tables has found, in Markdown."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.reports import pipes


def mean(values: np.ndarray) -> list[float]:
    """A mean and two standard errors of it."""
    values = values.astype(np.float64)
    return [float(values.mean()), float(2 * values.std(ddof=1) / math.sqrt(len(values)))]


def markdown(record: Mapping[str, Any]) -> str:
    """The tables of a record."""
    settings, found = record["settings"], record["results"]
    lines = ["# Tables larger than memory", ""]
    lines += [
        f"{record['machine']['processor']}, {settings['threads']} thread; "
        f"{settings['rows']:,} rows of {settings['columns']} numbers and a category, "
        f"{record['bytes'] / 1e9:.2f} GB of Parquet; {settings['minutes']:g} minutes a fit.",
        "",
    ]
    fits = [
        [
            name.removeprefix("fit, "),
            f"{one['train_rows']:,}",
            str(one["epochs"]),
            f"{one['test']['value']:.3f} ± {2 * one['test']['standard_error']:.3f}",
            _gap(found.get(f"held out, {name.removeprefix('fit, ')}", {})),
            f"{one['memory']:.2f}",
            f"{one['all_seconds']:.0f}",
        ]
        for name, one in found.items()
        if name.startswith("fit") and one["status"] == "ok"
    ]
    header = ["fit", "training rows", "epochs", "test, nats", "below the law", "GiB", "seconds"]
    lines += [*pipes(header, fits), ""]
    if "difference_nats" in record:
        value, error = record["difference_nats"]
        lines += [
            f"Streamed less in memory, on the same rows: {value:+.4f} ± {error:.4f} nats.",
            "",
        ]
    scores = [
        [
            name.removeprefix("score, "),
            f"{one['rows']:,}",
            f"{one['rows'] / one['seconds']:,.0f}",
            f"{one['memory']:.2f}",
        ]
        for name, one in found.items()
        if name.startswith("score") and one["status"] == "ok"
    ]
    lines += pipes(["scores", "rows", "rows a second", "GiB"], scores)
    return "\n".join(lines) + "\n"


def _gap(held: Mapping[str, Any]) -> str:
    if "gap_nats" not in held:
        return ""
    value, error = held["gap_nats"]
    return f"{value:.3f} ± {error:.3f}"
