"""Runs the tests: ``python -m tests [--all | --deep-only] [ARGUMENTS OF PYTEST]``.

Without an option the quick profile: each row and each property once. ``--all`` runs every case,
``--deep-only`` what the quick profile leaves out. XLA keeps every program for the life of a
process, so the tests run in waves, one after the other, each in processes of its own. Where
files or folders are given, there is one wave for each Keras.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

NOTHING_RAN = 5
PROFILES = {"quick": "not deep", "deep-only": "deep", "all": ""}
ROOT = Path(__file__).parent
# Where the time goes is told of what takes long.
SLOWEST = ("--durations=25", "--durations-min=20")


class Wave(NamedTuple):
    """Tests that run in the same processes: folders or files, marks, settings, and a share.

    ``by_file`` gives all cases of a file to one of the processes, so that what they share (a run,
    a model that is fitted) is made once; where most cases are of one file, both work on it.
    """

    title: str
    folders: tuple[str, ...] = ()
    marks: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    share: str | None = None
    by_file: bool = False


def _but(*folders: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            path.name
            for path in ROOT.iterdir()
            if path.name not in folders and any(path.glob("test_*.py"))
        )
    )


def _of_tf_keras() -> tuple[str, ...]:
    """Files with cases of the quick profile under tf_keras; all others would be read for none."""
    files = sorted(ROOT.glob("*/test_*.py"))
    return tuple(
        str(path.relative_to(ROOT)) for path in files if "keras(quick=" in path.read_text()
    )


TF_KERAS = Wave("what touches Keras, under tf_keras", (), "keras", (("TF_USE_LEGACY_KERAS", "1"),))
QUICK = (
    Wave("bijectors", ("bijectors",)),
    Wave("flows", ("flows",)),
    Wave("models", ("models",)),
    Wave("the rest", _but("bijectors", "flows", "models"), by_file=True),
    TF_KERAS._replace(folders=_of_tf_keras()),
)
SHARES = 3
TOOLS = ("benchmarks", "cli", "grading")
WHOLE = (
    *(Wave(f"bijectors, {k} of {SHARES}", ("bijectors",), share=f"{k}/{SHARES}")
      for k in range(1, SHARES + 1)),
    Wave("flows", ("flows",)),
    Wave("models", ("models",)),
    Wave(" and ".join(TOOLS), TOOLS),
    Wave("the rest", _but("bijectors", "flows", "models", *TOOLS), "not notebook", by_file=True),
    Wave("the notebooks", ("course",), "notebook"),
    TF_KERAS,
)  # fmt: skip


def selection(*marks: str) -> str:
    """An expression of pytest that holds where all of ``marks`` do."""
    return " and ".join(f"({mark})" for mark in marks if mark)


def main() -> int:
    """Runs all waves, also after one that failed; returns 1 if any did."""
    parser = argparse.ArgumentParser(prog="python -m tests", allow_abbrev=False)
    which = parser.add_mutually_exclusive_group()
    which.set_defaults(profile="quick")
    for flag, text in (("all", "every case"), ("deep-only", "what the quick profile leaves out")):
        which.add_argument(f"--{flag}", dest="profile", action="store_const", const=flag, help=text)
    parser.add_argument("-m", dest="marks", default="", help="only tests with these marks")
    options, rest = parser.parse_known_args()
    waves = QUICK if options.profile == "quick" else WHOLE
    if any(Path(argument.split("::")[0]).exists() for argument in rest):
        waves = (Wave("under Keras 3"), TF_KERAS)
    slowest = () if options.profile == "quick" else SLOWEST
    failed, ran = [], False
    for wave in waves:
        print(f"\n=== {wave.title} ({options.profile})", flush=True)
        chosen = selection(wave.marks, PROFILES[options.profile], options.marks)
        folders = [str(ROOT / folder) for folder in wave.folders]
        share = ["--share", wave.share] if wave.share else []
        share += ["--dist", "loadfile"] if wave.by_file else []
        command = [sys.executable, "-m", "pytest", "-m", chosen, *slowest, *folders, *share]
        command += rest
        status = subprocess.run(command, env=os.environ | dict(wave.settings)).returncode
        ran = ran or status != NOTHING_RAN
        if status not in (0, NOTHING_RAN):
            failed.append(wave.title)
    if not ran:
        failed.append("no test was selected")
    print(f"\nfailed: {'; '.join(failed)}" if failed else "\nall waves passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
