"""Grades submissions: each item on its own, under the Keras that it needs."""

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.grading.attempt import Attempts
from tfp_flows.grading.isolation import Isolation, Limits
from tfp_flows.grading.items import Run
from tfp_flows.grading.leftout import left_out
from tfp_flows.grading.plan import Source, read_source
from tfp_flows.grading.pool import KERAS, Pool
from tfp_flows.grading.process import Ended, Failure, Process
from tfp_flows.grading.replies import Malformed
from tfp_flows.grading.results import ItemResult, Report, Status
from tfp_flows.grading.rubric import DEFAULT, Rubric, load_rubric
from tfp_flows.grading.visible import check_places, copies
from tfp_flows.grading.whole import Together

_LARGEST_FILE = 200 << 20
_MOST_OUTPUT = 4000


class Begun(NamedTuple):
    """A submission of which all is tried that may be shown.

    Attributes:
        needs_reference: Whether tries beside the reference are to come.
        finish: Makes these, and gives the report.
    """

    needs_reference: bool
    finish: Callable[[], Report]


class Grader:
    """Grades submissions of one assignment; a context manager.

    Submissions run in processes of their own, behind the strongest walls that this machine
    offers: without network, with a read-only view of Python and its packages, with bounds on time
    and memory. Inputs are drawn anew each time. Expected values and scores exist only in this
    process.

    Args:
        rubric: A `Rubric`, the name of one, or its folder.
        limits: Bounds on each submission.
        isolation: The walls; the strongest ones by default.
        weak_walls: Whether to grade, too, where a wall that matters is missing.

    Raises:
        InputError: The rubric is wrong, or this system cannot confine processes. Whether the walls
            that matter are there is known when the first process starts.
    """

    def __init__(
        self,
        rubric: Rubric | str | Path = DEFAULT,
        *,
        limits: Limits | None = None,
        isolation: Isolation | None = None,
        weak_walls: bool = False,
    ):
        self.rubric = rubric if isinstance(rubric, Rubric) else load_rubric(rubric)
        self.limits = limits or Limits()
        self._pool = Pool(self.limits, isolation, self.rubric.folders, weak_walls=weak_walls)
        self._reference: Source | None = None
        self._reading = threading.Lock()

    def __enter__(self) -> "Grader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes."""
        self._pool.close()

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the libraries that submissions have run on so far."""
        return self._pool.versions

    def start(self) -> None:
        """Starts what takes seconds to start; the first submission does it otherwise."""
        self._source_of_reference()

    def check_places(self, files: Iterable[str | os.PathLike[str]]) -> None:
        """Refuses files that submissions could read.

        Raises:
            InputError: One of them lies with Python or its packages.
        """
        check_places(files, (*copies(), *self.rubric.folders))

    def grade(
        self, path: str | os.PathLike[str], *, part: str | None = None, name: str | None = None
    ) -> Report:
        """Grades a file.

        Args:
            path: A notebook (``.ipynb``) or a script (``.py``). Whatever is in it makes a report.
            part: A part of the rubric, or one item; all by default.
            name: What the report calls the submission; the path by default.

        Raises:
            InputError: There is no such file or part, no wall that matters, or the file lies where
                submissions can read.
        """
        return self.begin(path, part=part, name=name).finish()

    def begin(
        self, path: str | os.PathLike[str], *, part: str | None = None, name: str | None = None
    ) -> "Begun":
        """Makes all tries at a file that may be shown; arguments and errors are those of `grade`.

        Of several submissions, all should be begun before one is finished.
        """
        items = self.rubric.part(part)
        self.check_places([path])
        reference = self._source_of_reference()
        started = time.monotonic()
        path = Path(path)
        about = {
            "submission": str(path) if name is None else name,
            "rubric": self.rubric.name,
            "path": str(path.absolute()),
            "rubric_location": self.rubric.location,
        }
        data = _read_bytes(path)
        source, digest = (data, "") if isinstance(data, str) else self._read(data, path.name)
        if isinstance(source, str):
            results = tuple(
                ItemResult(item.id, 0.0, item.points, Status.failed, source) for item in items
            )
            seconds = time.monotonic() - started
            report = Report(**about, items=results, notes=(source,), seconds=seconds)
            return Begun(needs_reference=False, finish=lambda: report)
        attempts = Attempts(self._pool, self.rubric, source, reference)
        run = Run(self.rubric, self.limits, source, attempts)
        together = Together(run)
        # What came back may overflow; nbgrader minds every warning.
        with np.errstate(all="ignore"):
            run.show(items)
            together.show(items)
        seconds = time.monotonic() - started

        def finish() -> Report:
            with np.errstate(all="ignore"):
                results, provided = together.judge(run.finish(items))
            return Report(
                **about,
                items=results,
                keras=run.keras(results),
                isolation=run.isolation,
                weaker=run.weaker,
                notes=tuple(_notes(source)),
                provided_missing=provided.missing,
                provided_changed=provided.changed,
                output=run.output[:_MOST_OUTPUT],
                seconds=seconds,
                peak_megabytes=run.peak / 1e6,
                fingerprint=digest,
                not_run=left_out(source, [attempts.plan(item) for item in items]),
            )

        needs_reference = run.needs_reference(items) or together.needs_reference
        return Begun(needs_reference=needs_reference, finish=finish)

    def _source_of_reference(self) -> Source:
        with self._reading:
            if self._reference is None:
                data = np.frombuffer(self.rubric.reference.encode() or b"\n#", np.uint8)
                found, _ = self._read(data, "reference.py")
                if isinstance(found, str):
                    raise InputError(f"The reference of the rubric {self.rubric.name}: {found}")
                self._reference = found
            return self._reference

    def _read(self, data: np.ndarray, name: str) -> tuple[Source | str, str]:
        """The statements of a file and their fingerprint, or a sentence that says why not."""
        try:
            with self._pool.process(KERAS[0], self.limits.seconds, guarded=False) as process:
                source = read_source(process, data, name)
                if isinstance(source, str):
                    return source, ""
                return source, self._fingerprint(process, source)
        except (Failure, Ended, Malformed):
            return "The file cannot be read: its code is too large or too nested.", ""

    def _fingerprint(self, process: Process, source: Source) -> str:
        written = [name for name in self.rubric.graded if source.binds(name)]
        if all(source.is_stub(name) for name in written):
            return ""
        plan = source.plan(written, self.rubric.provided)
        by_name: dict[str, list[str]] = {}
        for statement in plan.own:
            for name in {*statement["binds"], *statement["changes"]}:
                by_name.setdefault(name, []).append(statement["source"])
        names = [n for n in written if n in by_name] + sorted(set(by_name) - set(written))
        kept = [*self.rubric.graded, *self.rubric.provided, *self.rubric.names]
        sources = list(dict.fromkeys(text for name in names for text in by_name[name]))
        try:
            answer, _ = process.request("fingerprint", sources=sources, kept=kept)
        except Failure:
            return ""
        return str(answer.get("digest", ""))[:64]


def grade(
    path: str | os.PathLike[str],
    *,
    part: str | None = None,
    rubric: Rubric | str | Path = DEFAULT,
    weak_walls: bool = False,
) -> Report:
    """Grades one file with a grader of its own; for several, one `Grader` is faster.

    Args:
        path: A notebook or a script.
        part: A part of the rubric, or one item; all by default.
        rubric: A `Rubric`, the name of one, or its folder.
        weak_walls: Whether to grade, too, where a wall that matters is missing.

    Raises:
        InputError: There is no such file, part or rubric, or nothing can be confined here.
    """
    with Grader(rubric, weak_walls=weak_walls) as grader:
        return grader.grade(path, part=part)


def _read_bytes(path: Path) -> np.ndarray | str:
    """The content of a file, or a sentence that says why it has none.

    A link is not followed: whoever handed it in could have it lead anywhere.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return "It is not a regular file."
            if status.st_size > _LARGEST_FILE:
                return f"The file is larger than {_LARGEST_FILE >> 20} MB; clear its outputs."
            with open(descriptor, "rb", closefd=False) as file:
                return np.frombuffer(file.read(_LARGEST_FILE + 1), np.uint8)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; give a notebook or a Python file.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "It is a link to another file; hand in the file itself."
        if error.errno == errno.ENXIO:
            return "It is not a regular file."
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None


def _notes(source: Source) -> list[str]:
    notes = []
    for piece in source.broken[:5]:
        where = f"{piece['place']}, line {piece['line']}" if piece["place"] else piece["line"]
        where = where if piece["place"] else f"line {where}"
        notes.append(f"Some code is not Python and was left out ({where}: {piece['message']}).")
    return notes
