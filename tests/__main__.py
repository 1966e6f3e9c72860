"""Runs the tests: ``python -m tests [--all | --deep-only] [ARGUMENTS OF PYTEST]``.

Without an option the quick profile: each row and each property once. ``--all`` runs every case,
``--deep-only`` what the quick profile leaves out. XLA keeps every program for the life of a
process, so the parts run one after the other, each in processes of its own.
"""

import argparse
import os
import subprocess
import sys

TF_KERAS = {"TF_USE_LEGACY_KERAS": "1"}
NOTHING_RAN = 5
# Title, selection, settings.
PARTS = (
    ("under Keras 3", "not notebook", {}),
    ("the notebooks", "notebook", {}),
    ("what touches Keras, under tf_keras", "keras", TF_KERAS),
)
PROFILES = {"quick": "not deep", "deep-only": "deep", "all": ""}


def selection(*markers: str) -> str:
    """An expression of pytest that holds where all of ``markers`` do."""
    return " and ".join(f"({marker})" for marker in markers if marker)


def main() -> int:
    """Runs all parts, also after one that failed; returns 1 if any did."""
    parser = argparse.ArgumentParser(prog="python -m tests", allow_abbrev=False)
    which = parser.add_mutually_exclusive_group()
    which.set_defaults(profile="quick")
    for flag, text in (("all", "every case"), ("deep-only", "what the quick profile leaves out")):
        which.add_argument(f"--{flag}", dest="profile", action="store_const", const=flag, help=text)
    parser.add_argument("-m", dest="markers", default="", help="only tests with these marks")
    options, rest = parser.parse_known_args()
    failed, ran = [], False
    for title, part, settings in PARTS:
        chosen = selection(part, PROFILES[options.profile], options.markers)
        print(f"\n=== {title} ({options.profile})", flush=True)
        command = [sys.executable, "-m", "pytest", "-m", chosen, *rest]
        status = subprocess.run(command, env={**os.environ, **settings}).returncode
        ran = ran or status != NOTHING_RAN
        if status not in (0, NOTHING_RAN):
            failed.append(title)
    if not ran:
        failed.append("no test was selected")
    print(f"\nfailed: {'; '.join(failed)}" if failed else "\nall parts passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
