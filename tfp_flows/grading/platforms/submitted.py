"""What the runs on platforms share: which file, which rubric, which part."""

import json
import os
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.grading.batch import find_submissions
from tfp_flows.grading.results import ItemResult, Report, Status
from tfp_flows.grading.rubric import DEFAULT, Rubric, load_rubric

RUBRIC, PARTS = "TFP_FLOWS_RUBRIC", "TFP_FLOWS_PARTS"
_FAILED = "The grader itself failed, or was ended before it was done; tell the staff of the course."


def rubric() -> Rubric:
    """The rubric that the environment names, or the default."""
    return load_rubric(os.environ.get(RUBRIC) or DEFAULT)


def part_of(identifier: str | None, known: Rubric) -> str | None:
    """The part of the rubric that a platform's identifier stands for.

    Args:
        identifier: A part's name, or a key of the JSON file that the environment names; "" or None
            is everything.
        known: The rubric.

    Raises:
        InputError: It stands for nothing, or the file is no JSON object of names.
    """
    if not identifier:
        return None
    path = os.environ.get(PARTS)
    part = _parts(Path(path)).get(identifier, identifier) if path else identifier
    known.part(part)
    return part


def _parts(path: Path) -> dict[str, str]:
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    if not isinstance(parts, dict) or not all(isinstance(part, str) for part in parts.values()):
        raise InputError(f"{path} is not a JSON object of identifiers and names of parts.")
    return parts


def submitted_file(folder: Path) -> Path | None:
    """The file to grade in a folder: a notebook rather than a script; else the only file there.

    Returns:
        Its path; None if nothing was submitted that could be graded.

    Raises:
        InputError: There is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; it should hold the submission.")
    try:
        found, _ = find_submissions([folder])
    except InputError:
        files = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        return files[0] if len(files) == 1 else None
    paths = [submission.path for submission in found]
    return min(paths, key=lambda path: (path.suffix.lower() != ".ipynb", path.as_posix()))


def write(path: Path, text: str) -> None:
    """Writes a result, as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def nothing_submitted(known: Rubric, part: str | None) -> Report:
    """The report where no file is."""
    message = "There is no notebook (.ipynb) and no script (.py) in the submission."
    items = tuple(
        ItemResult(item.id, 0.0, item.points, Status.failed, message) for item in known.part(part)
    )
    return Report("nothing", known.name, items, notes=(message,))


def failed() -> Report:
    """The report of a grader that does not come to its end."""
    return Report("", "", (), notes=(_FAILED,), faulty=True)
