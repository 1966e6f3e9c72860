"""Many submissions at once."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.grading.grader import Begun, Grader
from tfp_flows.grading.results import ItemResult, Report, Status, printable

_SUFFIXES = (".ipynb", ".py")
_MOST_JOBS = 32
_FAULT = "Not graded: the grader failed on it ({})."


@dataclasses.dataclass(frozen=True)
class Submission:
    """A file to grade.

    Attributes:
        path: Where it is.
        name: What reports call it.
    """

    path: Path
    name: str


def find_submissions(paths: Iterable[str | os.PathLike[str]]) -> tuple[list[Submission], list[str]]:
    """Finds the files to grade.

    Args:
        paths: Files, which are taken as they are, and folders, of which all notebooks and scripts
            are, also those in folders below, but neither hidden ones nor links. A link to a
            folder is followed only if it is the one path that is given.

    Returns:
        The submissions by name, and the names of other files in the folders.

    Raises:
        InputError: A path does not exist, or there is nothing to grade.
    """
    found: dict[Path, Submission] = {}
    others: list[str] = []
    paths = [Path(path) for path in paths]
    for path in paths:
        if path.is_dir() and path.is_symlink() and len(paths) > 1:
            others.append(str(path))
        elif path.is_dir():
            for file in _files(path):
                name = file.relative_to(path).as_posix()
                name = name if len(paths) == 1 else f"{path.name}/{name}"
                if file.suffix.lower() in _SUFFIXES and not file.is_symlink():
                    found.setdefault(file, Submission(file, name))
                else:
                    others.append(name)
        elif os.path.lexists(path):
            found.setdefault(path, Submission(path, str(path)))
        else:
            raise InputError(f"There is no file or folder {path}; give a notebook or a script.")
    if not found:
        given = ", ".join(str(path) for path in paths)
        raise InputError(f"There is no notebook (.ipynb) or script (.py) in {given}.")
    return _named(found.values()), sorted(map(printable, others))


def _named(submissions: Iterable[Submission]) -> list[Submission]:
    """Sorts by name, and makes names printable and all different."""
    named: dict[str, Submission] = {}
    for submission in sorted(submissions, key=lambda submission: submission.name):
        name = plain = printable(submission.name).replace("\n", " ")
        number = 1
        while name in named:
            number += 1
            name = f"{plain} ({number})"
        named[name] = Submission(submission.path, name)
    return list(named.values())


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in names:
            if not name.startswith("."):
                yield Path(place, name)


def grade_all(
    grader: Grader, submissions: Sequence[Submission], *, part: str | None = None, jobs: int = 0
) -> Iterator[tuple[int, Report]]:
    """Grades submissions in parallel; what goes wrong with one does not touch the others.

    Tries beside the reference come last, when all others are made of all submissions: what one has
    seen there it can hand to none that is still shown.

    Args:
        grader: The grader.
        submissions: The files.
        part: A part of the rubric; all by default.
        jobs: How many at the same time; by default as many as there are processors, and memory
            for, but 32 at most.

    Yields:
        The place of a submission in ``submissions`` and its report, as they are ready.

    Raises:
        InputError: There is no such part, one of them could be read by the others, or no submission
            can be confined here.
    """
    grader.rubric.part(part)
    grader.check_places(submission.path for submission in submissions)
    grader.start()
    executor = ThreadPoolExecutor(jobs or _jobs(grader.limits.memory))
    try:
        places = {
            executor.submit(_begin, grader, submission, part): place
            for place, submission in enumerate(submissions)
        }
        waiting: list[tuple[int, Begun]] = []
        for future in as_completed(places):
            place, begun = places[future], future.result()
            if begun.needs_reference:
                waiting.append((place, begun))
            else:
                yield place, begun.finish()
        places = {executor.submit(begun.finish): place for place, begun in waiting}
        for future in as_completed(places):
            yield places[future], future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _jobs(memory: int) -> int:
    """How many submissions this machine can run at the same time."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvail"))
    return max(1, min(len(os.sched_getaffinity(0)), free // memory, _MOST_JOBS))


def _begin(grader: Grader, submission: Submission, part: str | None) -> Begun:
    """Begins one; what goes wrong, now or later, makes a report of it."""

    def finish() -> Report:
        try:
            return begun.finish()
        except Exception as error:
            return _failed(error, grader, submission, part)

    try:
        begun = grader.begin(submission.path, part=part, name=submission.name)
    except Exception as error:  # a fault of ours must not cost the others their grades
        report = _failed(error, grader, submission, part)
        return Begun(needs_reference=False, finish=lambda: report)
    return begun._replace(finish=finish)


def _failed(error: Exception, grader: Grader, submission: Submission, part: str | None) -> Report:
    message = str(error)
    if not isinstance(error, InputError):
        message = _FAULT.format(f"{type(error).__name__}: {error}")
    items = tuple(
        ItemResult(item.id, 0.0, item.points, Status.error, message)
        for item in grader.rubric.part(part)
    )
    return Report(
        submission.name,
        grader.rubric.name,
        items,
        notes=(message,),
        faulty=True,
        path=str(submission.path.absolute()),
        rubric_location=grader.rubric.location,
    )


def identical(reports: Iterable[Report]) -> list[tuple[str, ...]]:
    """Groups of submissions whose solutions differ in names, comments and layout at most."""
    groups: dict[str, list[str]] = {}
    for report in reports:
        if report.fingerprint:
            groups.setdefault(report.fingerprint, []).append(report.submission)
    return [tuple(sorted(names)) for names in groups.values() if len(names) > 1]
