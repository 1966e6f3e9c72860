"""Plants faults in a copy of the package and tells which test notices each.

``python -m tests.mutants``, with ``--help`` for its options. The tests that should notice run
first, then those of the same floor, then all; the first failure ends it.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.mutants.faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
FLOORS = {
    "bijectors": "bijectors",
    "flows": "flows",
    "models": "models",
    "networks": "networks",
    "transformers": "bijectors",
}
FAILED, PASSED, NOTHING_RAN = 1, 0, 5


class Verdict(NamedTuple):
    """What became of a fault: the test that noticed it, or None, or why it could not be planted."""

    fault: Fault
    noticed: str | None
    seconds: float
    broken: str | None = None


def plant(fault: Fault, package: Path) -> None:
    """Writes the fault into a copy of the package.

    Raises:
        ValueError: If its text does not stand there exactly once.
    """
    path = package / fault.path
    text = path.read_text() if path.exists() else ""
    if text.count(fault.old) != 1:
        raise ValueError(
            f"{fault.name!r} finds its text {text.count(fault.old)} times in {fault.path}, not "
            "once; write the fault anew."
        )
    path.write_text(text.replace(fault.old, fault.new))


def _copy(folder: Path) -> None:
    ignore = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", ".pytest_cache")
    shutil.copytree(ROOT, folder, ignore=ignore)


def _run(folder: Path, profile: str, arguments) -> tuple[int, str | None, str]:
    marks = ["-m", "not deep"] if profile == "quick" else []
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *marks, *arguments]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    found = re.search(r"^(?:FAILED|ERROR) (\S+.*?)(?: - |$)", done.stdout, re.M)
    return done.returncode, found and found[1], done.stdout[-600:]


def _stages(fault: Fault):
    yield ["-n", "0", *fault.first]
    floor = FLOORS.get(Path(fault.path).parts[0], "ground")
    yield [f"tests/{floor}"]
    yield ["tests", f"--ignore=tests/{floor}"]


def judge(fault: Fault, profile: str, first: bool = False) -> Verdict:
    """Runs the tests over a copy with the fault until one fails."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "copy"
        _copy(folder)
        plant(fault, folder / "tfp_flows")
        for arguments in itertools.islice(_stages(fault), 1 if first else None):
            status, test, tail = _run(folder, profile, arguments)
            seconds = time.monotonic() - started
            if status == FAILED and test:
                return Verdict(fault, test, seconds)
            if status not in (PASSED, NOTHING_RAN):
                return Verdict(fault, None, seconds, f"status {status}: {tail}")
    return Verdict(fault, None, time.monotonic() - started)


def _line(verdict: Verdict) -> str:
    test = verdict.broken or verdict.noticed or "NOT NOTICED"
    return f"| {verdict.fault.name} | {test} | {verdict.seconds:.0f} |"


def main() -> int:
    """Judges faults; returns 1 if one was not noticed or could not be planted."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--list", action="store_true", help="the faults, and whether they fit")
    parser.add_argument("--only", metavar="WORDS", default="", help="faults with these words")
    parser.add_argument("--start", type=int, default=1, metavar="N", help="from the N-th on")
    parser.add_argument(
        "--first", action="store_true", help="only the tests that should notice: some minutes"
    )
    parser.add_argument("--profile", choices=["quick", "all"], default="quick")
    parser.add_argument("--out", type=Path, help="file that each line of the table is added to")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if options.only.lower() in fault.name.lower()]
    chosen = chosen[options.start - 1 :]
    with tempfile.TemporaryDirectory() as place:
        # All of them first: a text that has changed should not be found after an hour.
        for number, fault in enumerate(chosen):
            copy = Path(place) / str(number)
            shutil.copytree(ROOT / "tfp_flows", copy, ignore=shutil.ignore_patterns("__pycache__"))
            plant(fault, copy)
            shutil.rmtree(copy)
    if options.list:
        print("\n".join(f"{fault.path}: {fault.name}" for fault in chosen))
        return 0
    verdicts = []
    for fault in chosen:
        verdicts.append(judge(fault, options.profile, options.first))
        print(_line(verdicts[-1]), flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(_line(verdicts[-1]) + "\n")
    noticed = sum(verdict.noticed is not None for verdict in verdicts)
    print("\n| fault | noticed by | seconds |\n|---|---|---|")
    print("\n".join(map(_line, verdicts)))
    print(f"\n{noticed} of {len(verdicts)} noticed by the profile {options.profile}")
    return 0 if noticed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
