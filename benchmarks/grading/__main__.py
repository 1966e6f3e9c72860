"""The command: ``python -m benchmarks.grading``."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import reports
from benchmarks.command import Command
from benchmarks.grading import folder, report
from tfp_flows.grading import Grader, find_submissions, grade_all
from tfp_flows.terminal import note, result_console, tracked

FAILED = 1
_LOOK_EVERY = 0.2


class _Grading(Command):
    interrupted = "Interrupted; nothing was written."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Grading, epilog="Example: python -m benchmarks.grading --jobs 4")
def main(
    count: Annotated[int, typer.Option(min=3, help="Submissions, of each kind in turn.")] = 100,
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at the same time.")] = 2,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/grading.json"),
) -> None:
    """Grade a folder of right, wrong and hostile submissions; tell the time and the memory."""
    reports.prepare(out)
    with tempfile.TemporaryDirectory() as place:
        folder.write(Path(place), count)
        record = run(Path(place), jobs)
    reports.write(out, record, report.markdown(record))
    report.show(record, result_console())
    result_console().print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    figures = record["submissions"]["all"]
    if figures["as_expected"] != figures["number"]:
        note("Some grades are not as they should be; the grader's tests say which.")
        raise typer.Exit(FAILED)


def run(place: Path, jobs: int) -> dict[str, Any]:
    """Grades a folder.

    Args:
        place: The folder.
        jobs: Submissions at the same time.

    Returns:
        What was measured: times in seconds, memory in MB.
    """
    submissions, _ = find_submissions([place])
    with _FreeMemory() as memory, Grader() as grader:
        started = time.perf_counter()
        grader.start()
        ready = time.perf_counter()
        done = grade_all(grader, submissions, jobs=jobs)
        graded = [found for _, found in tracked(done, "grading", len(submissions))]
        ended = time.perf_counter()
    return {
        "machine": reports.machine(),
        "jobs": jobs,
        "start_seconds": ready - started,
        "seconds": ended - ready,
        "fall_megabytes": memory.fall / 1e6,
        "isolation": next(found.isolation for found in graded if found.isolation),
        "submissions": report.summary(graded),
    }


class _FreeMemory:
    """Watches how far the machine's free memory falls; other programs count as well.

    Attributes:
        fall: Bytes.
    """

    def __init__(self) -> None:
        self.fall = 0
        self._start = _available()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self.fall = max(self.fall, self._start - _available())

    def __enter__(self) -> "_FreeMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.grading")
