"""The file of results: raw times, and what is read off them."""

import dataclasses
import json
import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.speed.cases import Case
from tfp_flows.errors import InputError

FORMAT = 1


def write(path: Path, text: str) -> None:
    """Replaces a file in one step, so that a run that is killed leaves the old one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)


def prepare_folder(folder: Path) -> None:
    """Makes the folder and tries to write in it.

    Raises:
        InputError: If that fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"Cannot write to --out {folder}: {error.strerror}.") from error


def load(path: Path, head: dict) -> dict:
    """Loads results to go on from.

    Raises:
        InputError: If they cannot be read, or were measured in another way.
    """
    try:
        results = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot resume from {path}: {error}.") from error
    for name, value in head.items():
        if results.get(name) != value:
            raise InputError(
                f"Cannot resume from {path}: its {name} differ from this run's; "
                "give the same options, or another --out."
            )
    return results


def summarise(entry: dict) -> None:
    """Adds median, quartiles and count to every operation of an entry that has times."""
    for record in entry["operations"].values():
        times = [t for times in record["rounds"] for t in times]
        if times:
            first, median, third = np.percentile(times, [25, 50, 75])
            record |= {
                "median_s": median,
                "quartiles_s": [first, third],
                "count": len(times),
            }


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a library reached in one operation of one case, in its fastest variant.

    Attributes:
        seconds: The median, or None.
        entry: The entry of the variant, if there is one.
        status: Why there is no median: ``"-"``, ``"> 120 s"`` or ``"failed: ..."``.
        at_least: A lower bound on the seconds, if it was given up.
    """

    seconds: float | None
    entry: dict | None = None
    status: str = "-"
    at_least: float | None = None


def outcome(case: dict, library: str, operation: str) -> Outcome:
    """Finds a library's outcome in the record of a case."""
    entries = [e for e in case["entries"] if e["library"] == library]
    timed, given_up, failed = [], [], []
    for entry in entries:
        record = entry["operations"].get(operation, {})
        if "median_s" in record:
            timed.append((record["median_s"], entry))
        elif "limit_s" in record:
            given_up.append(record["limit_s"])
        elif "failed" in record or "failed" in entry:
            failed.append((record.get("failed") or entry["failed"], entry))
    if timed:
        seconds, entry = min(timed, key=lambda pair: pair[0])
        return Outcome(seconds, entry)
    if given_up:
        return Outcome(None, None, f"> {max(given_up):g} s", max(given_up))
    if failed:
        return Outcome(None, failed[0][1], f"failed: {failed[0][0]}")
    return Outcome(None)


def find_case(results: dict, flow: str, dims: int, batch: int) -> dict | None:
    """The record of a case, if it was measured."""
    key = f"{flow}-{dims}-{batch}"
    return next((c for c in results["cases"] if Case.from_dict(c["case"]).key == key), None)


def product_rates(case: dict, shape: str) -> dict[str, float]:
    """GFLOP/s of a matrix product in a case by framework, the better of before and after.

    Args:
        case: The record of a case.
        shape: ``"case"`` (batch by hidden by hidden) or ``"square"``.
    """
    before, after = (case["gflops"][when][shape] for when in ("before", "after"))
    return {name: max(before.get(name, 0.0), after.get(name, 0.0)) for name in {**before, **after}}


def share(case: dict, seconds: float, shape: str) -> float | None:
    """The part of the best framework's product rate that a training step of a case reaches."""
    rate = max(product_rates(case, shape).values(), default=None)
    return rate and case["training_flops"] / seconds / 1e9 / rate
