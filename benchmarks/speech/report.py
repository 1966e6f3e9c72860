"""The tables of `benchmarks.speech`."""

from collections.abc import Mapping
from typing import Any

_MEASURES = ("log_mel_l1", "pesq", "estoi", "tones")


def markdown(record: Mapping[str, Any]) -> str:
    """Densities, and recordings made from spectrograms, as tables."""
    lines = ["| density of held-out clips | nats a sample |", "|---|---:|"]
    for name, found in record["densities"].items():
        lines.append(f"| {name} | {_with_error(found['nats'], found['standard_error'])} |")
    if record.get("vocoders"):
        lines += [
            "",
            "| made from the mel | log-mel L1, nats | PESQ (wide band) | eSTOI | tones, dB |",
            "|---|---:|---:|---:|---:|",
        ]
        for name, found in record["vocoders"].items():
            cells = [f"{found[m]:.2f}" if m in found else "-" for m in _MEASURES]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    run = record["run"]
    lines += [
        "",
        f"{run['clips']['train']} clips to train on, {run['clips']['test']} held out; "
        f"{run['parameters']:,} parameters, {run['epochs']} epochs in {run['seconds']:.0f} s. "
        "Means over the held-out clips ± 2 standard errors.",
    ]
    return "\n".join(lines) + "\n"


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.2f}" if error is None else f"{value:.2f} ± {2 * error:.2f}"
