"""The table of a run, in Markdown."""

from typing import Any

from benchmarks import reports

MEASURES = {"training": "steps/s", "log_prob": "densities/s", "sample": "samples/s"}


def markdown(record: dict[str, Any]) -> str:
    """What was measured, with the GPU beside the CPU.

    Args:
        record: The record that `benchmarks.gpu` keeps.
    """
    devices = [name for name in ("CPU", "GPU") if record["devices"].get(name)]
    names = {result.get("device_name") for result in record["devices"].get("GPU", {}).values()}
    machine = record["machine"]
    lines = [f"- {machine['processor']}, Python {machine['python']}."]
    lines += [f"- {name}." for name in sorted(filter(None, names))]
    header = ["flow"] + [f"{what}, {name}" for what in MEASURES.values() for name in devices]
    cells: dict[str, dict[tuple[str, str], str]] = {}
    failed = []
    for device in devices:
        for flow, result in record["devices"][device].items():
            if result["status"] != "ok":
                failed.append(f"- {flow}, {device}: {result['message']}")
            for way, found in result.get("results", {}).items():
                row = cells.setdefault(f"{flow}, {way}", {})
                row |= {(what, device): _number(found[what]) for what in MEASURES if what in found}
                if "message" in found:
                    failed.append(f"- {flow}, {way}, {device}: {found['message']}")
    rows = [
        [name, *[row.get((what, device), "") for what in MEASURES for device in devices]]
        for name, row in cells.items()
    ]
    return "\n".join([*lines, "", *reports.pipes(header, rows), "", *failed]).rstrip() + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
