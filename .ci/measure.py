"""Runs a command, prints its time and the peak memory of all its processes together.

``python measure.py MINUTES GIB COMMAND...``: fails where either is more, or the command fails.
Memory is the proportional share of pages (PSS), so that what processes share counts once. Minutes
are those of the machine that the bounds were set on: the same commit took 7.0 and 14.6 on two of
two cores each. A fixed piece of work tells how much slower this one is, and stretches them.
"""

import ctypes
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

_EVERY = 1.0
_CORES, _TRIALS, _SECONDS = 2, 8, 0.40
_PR_SET_CHILD_SUBREAPER = 36


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything.
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return found


def _below(root: int) -> set[int]:
    parents = _parents()
    family, size = {root}, 0
    while len(family) > size:
        size = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    return family


def _kib(process: int) -> int:
    """Memory of a process in KiB; 0 if it has ended."""
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{process}/{name}").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(key):
                return int(line.split()[1])
    return 0


def _work(_: int) -> float:
    """Seconds for what tracing and tests do most: Python's loops and small objects."""
    started, total, names = time.perf_counter(), 0, {}
    for i in range(2_000_000):
        total += i * i % 7
    for i in range(300_000):
        names[str(i)] = total
    return time.perf_counter() - started


def _slowness() -> float:
    """How many times slower than the machine of the bounds this one is now, at least 1."""
    with multiprocessing.Pool(_CORES) as pool:
        return max(1.0, statistics.median(pool.map(_work, range(_TRIALS), chunksize=1)) / _SECONDS)


def main() -> int:
    """Runs the command of the command line."""
    minutes, gib, command = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    # What outlives its parent becomes a child of ours, and is counted on.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    slowness = _slowness()
    started, peak = time.monotonic(), 0
    running = subprocess.Popen(command)
    while running.poll() is None:
        peak = max(peak, sum(map(_kib, _below(os.getpid()) - {os.getpid()})))
        time.sleep(_EVERY)
    spent, most = (time.monotonic() - started) / 60, peak / 2**20
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / 60
    told = f"{spent:.1f} minutes, {cpu:.1f} of processors, {most:.1f} GiB at most"
    slowness = max(slowness, _slowness())
    print(f"{' '.join(command)}: {told}", flush=True)
    print(f"a machine of {slowness:.2f} times the time", flush=True)
    failed = running.returncode
    bounds = (spent, minutes * slowness, "minutes"), (most, gib, "GiB")
    for value, bound, unit in bounds:
        if value > bound:
            print(f"that is more than {bound:.3g} {unit}", flush=True)
            failed = failed or 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
