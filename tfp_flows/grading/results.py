"""The result of grading: what every format is written from."""

import dataclasses
import enum


def printable(text: object) -> str:
    """A text without control characters, which could rewrite a terminal or break a file."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in str(text))


class Status(str, enum.Enum):
    """How an item ended.

    ``blocked`` items could not be judged because another item is wrong; ``error`` ones raised,
    ran out of time or memory, or ended their process.
    """

    passed = "passed"
    partial = "partial"
    failed = "failed"
    blocked = "blocked"
    error = "error"


@dataclasses.dataclass(frozen=True)
class ItemResult:
    """One graded item.

    Attributes:
        id: Its name in the rubric.
        points: Points reached.
        maximum: Points that could be reached.
        status: How it ended.
        message: What is right or wrong with it, for the student.
        blocked_by: Items that must be right before this one can be judged.
        keras: The Keras it was graded under.
        seconds: Wall time that grading it took, without tries beside the reference.
    """

    id: str
    points: float
    maximum: float
    status: Status
    message: str
    blocked_by: tuple[str, ...] = ()
    keras: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", printable(self.message))


@dataclasses.dataclass(frozen=True)
class Report:
    """All of one submission.

    Attributes:
        submission: Its name.
        rubric: Name of the rubric.
        items: Its items, in the order of the rubric.
        keras: The Keras that the submission needs.
        isolation: Walls that stood around the submission.
        weaker: What was weaker about them than it could be.
        notes: Remarks on the file as a whole, such as cells that are no Python.
        not_run: Lines of the file that were not run, each with the reason.
        provided_missing: Provided names that the file does not define.
        provided_changed: Provided names that do not do there what they should.
        output: What the submission printed, cut short.
        seconds: Wall time, without the start of the grader and tries beside the reference.
        peak_megabytes: Most memory that one of its processes had in use, but in such tries.
        fingerprint: Digest of the solution without names, comments and layout; "" of an empty one.
        faulty: Whether it could not be graded, through no fault of the submission.
        path: The file.
        rubric_location: What loads the rubric again: its name, or its folder.
    """

    submission: str
    rubric: str
    items: tuple[ItemResult, ...]
    keras: str = ""
    isolation: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    provided_missing: tuple[str, ...] = ()
    provided_changed: tuple[str, ...] = ()
    output: str = ""
    seconds: float = 0.0
    peak_megabytes: float = 0.0
    fingerprint: str = ""
    faulty: bool = False
    path: str = ""
    rubric_location: str = ""
    not_run: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("submission", "output"):
            object.__setattr__(self, name, printable(getattr(self, name)))
        for name in ("notes", "not_run"):
            object.__setattr__(self, name, tuple(map(printable, getattr(self, name))))

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and what of the provided parts is missing or changed."""
        told = {
            "Provided parts that the file does not hold": self.provided_missing,
            "Provided parts that are changed": self.provided_changed,
        }
        words = [f"{what}: {', '.join(names)}." for what, names in told.items() if names]
        return (*self.notes, *words)

    @property
    def points(self) -> float:
        """Points reached."""
        return round(sum(item.points for item in self.items), 6)

    @property
    def maximum(self) -> float:
        """Points that could be reached."""
        return round(sum(item.maximum for item in self.items), 6)

    @property
    def fraction(self) -> float:
        """Share of the points, from 0 to 1."""
        return min(1.0, max(0.0, self.points / self.maximum)) if self.maximum else 0.0

    @property
    def percent(self) -> float:
        """Share of the points in per cent, never rounded up to 100."""
        return int(self.fraction * 1000) / 10
