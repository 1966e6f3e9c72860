"""A folder of submissions: right ones, wrong ones and hostile ones, from the tests."""

import itertools
from pathlib import Path

from tests.grading.mutants import MUTANTS, SOLUTION

HERE = Path(__file__).parents[2] / "tests" / "grading"
KINDS = ("right", "wrong", "hostile")


def submissions() -> dict[str, bytes]:
    """All there are, the kinds in turn: names, which start with the kind, and contents."""
    variants = sorted((HERE / "variants").glob("*.py"))
    right = {f"right_{path.name}": f"{SOLUTION}\n\n{path.read_text()}" for path in variants}
    wrong = {
        f"wrong_{number:02}_{mutant.item}.py": mutant.source
        for number, mutant in enumerate(MUTANTS)
    }
    hostile = sorted(path for path in (HERE / "hostile").iterdir() if path.is_file())
    groups = [
        [(name, text.encode()) for name, text in right.items()],
        [(name, text.encode()) for name, text in wrong.items()],
        [(f"hostile_{path.name}", path.read_bytes()) for path in hostile],
    ]
    turns = itertools.zip_longest(*groups)
    return dict(pair for turn in turns for pair in turn if pair is not None)


def write(folder: Path, count: int) -> None:
    """Writes that many of them into a folder."""
    for name, content in itertools.islice(submissions().items(), count):
        (folder / name).write_bytes(content)
