"""What `score` and `sample` write into: a file, or a folder of parts."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tfp_flows import datasets
from tfp_flows.datasets import TABLE_SUFFIXES
from tfp_flows.datasets.part_folders import stamp_of
from tfp_flows.errors import InputError
from tfp_flows.files import check_folder
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note


def is_folder(output: Path) -> bool:
    """Whether an output is a folder of parts: it is there as one, or has no suffix."""
    return output.is_dir() or not output.suffix


def check_place(output: Path) -> None:
    """Checks, before any work, that a file or folder may be written.

    Raises:
        InputError: If the suffix of a file is unknown, or the folder around it does not exist.
    """
    if is_folder(output):
        check_folder(output)
    else:
        datasets.check_output(output)


def check_engine(options) -> None:
    """Checks the options of what is made side by side.

    Raises:
        InputError: If they need a folder, or one needs the other.
    """
    if options.engine is None and options.workers is not None:
        raise InputError("--workers is of --engine ray; give that too, or leave it out.")
    if options.engine is not None and not is_folder(options.output):
        raise InputError(
            f"--engine ray makes the parts of a folder, and -o {options.output} is a file; give a "
            "folder, or leave --engine out."
        )


def alone(options, part: str, **more) -> SimpleNamespace:
    """The options by which another process makes one part of a folder, with some changed."""
    return SimpleNamespace(**vars(options) | {"engine": None, "workers": None, "part": part} | more)


def part_of(options) -> str | None:
    """The one part that options are about; see `alone`."""
    return getattr(options, "part", None)


def outputs(parts: Iterable[Path]) -> dict[str, Path]:
    """Parts by the names of those that are made of them: their own, or with ``.csv`` behind it.

    Raises:
        InputError: If two parts would be one.
    """
    made: dict[str, Path] = {}
    for part in parts:
        name = part.name if part.name.endswith(TABLE_SUFFIXES) else f"{part.name}.csv"
        if name in made:
            raise InputError(
                f"{made[name].name} and {part.name} would both be written as {name}; rename one."
            )
        made[name] = part
    return made


def stamped(given: str | None) -> Any:
    """By what a command knows an option that may be a file: its name, size and time; as JSON."""
    if given is None or not Path(given).is_file():
        return given
    return [os.path.abspath(given), *stamp_of(Path(given))]


def fingerprint(run: Run) -> str:
    """By what another fit is known."""
    return hashlib.sha256(json.dumps(run.metrics, sort_keys=True).encode()).hexdigest()


def say_left_out(parts: int, left: int) -> None:
    """Notes how many parts are there already."""
    if left < parts:
        note(f"{parts - left:,} of {parts:,} parts are finished and left out.")
