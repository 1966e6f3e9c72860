"""Runs the whole suite: ``python -m tests [ARGUMENTS OF PYTEST]``.

XLA keeps every program for the life of a process, some gigabytes in all, and the kernels of
notebooks need as much again. So the parts run one after the other, each in processes of its own.
"""

import os
import subprocess
import sys

PARTS = (
    ("everything but the notebooks", ["-m", "not notebook"], {}),
    ("the notebooks", ["-m", "notebook"], {}),
    ("what touches Keras, under tf_keras", ["-m", "keras"], {"TF_USE_LEGACY_KERAS": "1"}),
)


def main() -> int:
    """Runs all parts, also after one that failed; returns 1 if any did."""
    failed = []
    for title, selection, settings in PARTS:
        print(f"\n=== {title}", flush=True)
        command = [sys.executable, "-m", "pytest", *selection, *sys.argv[1:]]
        if subprocess.run(command, env={**os.environ, **settings}).returncode:
            failed.append(title)
    print(f"\nfailed: {'; '.join(failed)}" if failed else "\nall parts passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
