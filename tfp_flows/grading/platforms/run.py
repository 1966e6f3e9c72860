"""One graded submission on a platform: ``python -m tfp_flows.grading.platforms.run coursera``.

It ends with 0 whatever the submission does, because another status counts as the grader's own
failure, and with 1 or 2 where the failure is its own. It never ends without a result: one that says
that the grader failed lies there from the start, and stays where the process is killed.
"""

import dataclasses
import os
import sys
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.grading.formats import render
from tfp_flows.grading.grader import Grader
from tfp_flows.grading.platforms import submitted


@dataclasses.dataclass(frozen=True)
class Platform:
    """Where a platform puts the submission and looks for the result.

    Attributes:
        submission: Folder of the submission.
        result: File of the result.
        part: Variable of the environment that names a part; "" if there is none.
    """

    submission: Path
    result: Path
    part: str = ""


WEAK_WALLS = "--weak-walls"
PLATFORMS = {
    "coursera": Platform(Path("/shared/submission"), Path("/shared/feedback.json"), "partId"),
    "gradescope": Platform(
        Path("/autograder/submission"), Path("/autograder/results/results.json")
    ),
}


def run(name: str, platform: Platform, *, weak_walls: bool = False) -> None:
    """Grades what lies in the platform's folder, and writes the result in its format.

    Raises:
        InputError: The rubric or the part is wrong, or this machine cannot confine processes.
    """
    rubric = submitted.rubric()
    part = submitted.part_of(os.environ.get(platform.part), rubric) if platform.part else None
    path = submitted.submitted_file(platform.submission)
    if path is None:
        report = submitted.nothing_submitted(rubric, part)
    else:
        with Grader(rubric, weak_walls=weak_walls) as grader:
            report = grader.grade(path, part=part, name=path.name)
    submitted.write(platform.result, render(report, name))


def main(arguments: list[str]) -> int:
    """Runs for the platform that is named; returns the exit status.

    Args:
        arguments: Its name, and ``--weak-walls`` to grade where a wall that matters is missing.
    """
    weak_walls = arguments[1:] == [WEAK_WALLS]
    if len(arguments) != 1 + weak_walls or arguments[0] not in PLATFORMS:
        names = ", ".join(PLATFORMS)
        print(f"Error: name one platform of {names}; {WEAK_WALLS} may follow.", file=sys.stderr)
        return 2
    name, platform = arguments[0], PLATFORMS[arguments[0]]
    try:
        # What went wrong is not for students: it could tell of the reference.
        submitted.write(platform.result, render(submitted.failed(), name))
        run(name, platform, weak_walls=weak_walls)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except BaseException as error:  # the platform's log gets one line, as of any other failure
        print(f"Error: the grader failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
