"""What the reports of benchmarks share: the machine, files, tables in Markdown."""

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path


def machine() -> dict[str, Any]:
    """The processor and the interpreter of this machine."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(": ")[2] if models else name
    return {"processor": name, "python": platform.python_version()}


def prepare(path: Path) -> None:
    """Makes sure that a report can be written.

    Args:
        path: The JSON file.

    Raises:
        InputError: If it has another suffix, or its folder cannot be made.
    """
    if path.suffix != ".json":
        raise InputError(f"--out is {path}; give the name of a .json file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write into {path.parent}: {error.strerror}.") from error


def begun(path: Path, settings: dict[str, Any], holds: str) -> dict[str, Any]:
    """The record that is in a file, to go on with, or a new one.

    Args:
        path: The JSON file.
        settings: Those of this run.
        holds: Key of the results.

    Raises:
        InputError: If the file holds something else, or results of other settings.
    """
    if not path.exists():
        return {"settings": settings, "machine": machine(), holds: {}}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        earlier = record["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no record of this benchmark: {error!r}.") from error
    for name, value in settings.items():
        if earlier.get(name) != value:
            raise InputError(
                f"{path} holds results of --{name} {earlier.get(name)}, not {value}; give another "
                "--out."
            )
    return record


def write(path: Path, record: dict[str, Any], text: str) -> None:
    """Replaces the JSON file and the Markdown file beside it, each as a whole.

    Args:
        path: The JSON file; the other has the suffix ``.md``.
        record: What the first holds.
        text: What the second holds.

    Raises:
        InputError: If a file cannot be written.
    """
    for target, content in (
        (path, json.dumps(record, indent=1) + "\n"),
        (path.with_suffix(".md"), text),
    ):
        with atomic_path(target) as temporary:
            temporary.write_text(content, encoding="utf-8")


def pipes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown, line by line; all columns but the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *escaped)]
