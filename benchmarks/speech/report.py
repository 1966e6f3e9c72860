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
    lines += ["", _of_run(record["run"]) + " Means over the held-out clips ± 2 standard errors."]
    return "\n".join(lines) + "\n"


def converted(record: Mapping[str, Any]) -> str:
    """Shares of converted clips in which the target is heard, and the digit kept."""
    ways = dict(record["converted"])
    own = ways.pop("listeners")
    lines = ["| each clip as each other speaker | target heard, % | digit kept, % |"]
    lines.append("|---|---:|---:|")
    for name, found in ways.items():
        shares = [(100 * f["share"], 100 * f["standard_error"]) for f in found.values()]
        lines.append(
            f"| {name} | " + " | ".join(f"{a:.1f} ± {2 * b:.1f}" for a, b in shares) + " |"
        )
    run = record["run"]
    nats = _with_error(run["nats"]["value"], run["nats"]["standard_error"])
    lines += [
        "",
        f"Of the clips themselves the listeners know {100 * own['speaker']:.1f} % of the speakers "
        f"and {100 * own['word']:.1f} % of the digits. Converted to its own speaker, a clip "
        f"differs by at most {record['to_oneself']:.1e}. {_of_run(run)} {nats} nats a sample. "
        "± 2 standard errors over clips.",
    ]
    return "\n".join(lines) + "\n"


def _of_run(run: Mapping[str, Any]) -> str:
    return (
        f"{run['clips']['train']} clips to train on, {run['clips']['test']} held out; "
        f"{run['parameters']:,} parameters, {run['epochs']} epochs in {run['seconds']:.0f} s."
    )


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.2f}" if error is None else f"{value:.2f} ± {2 * error:.2f}"
