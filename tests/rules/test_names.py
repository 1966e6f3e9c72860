"""Modules of tests are imported by their bare names, so that no two may have the same."""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Of these pytest and Python know the folder.
SPECIAL = ("conftest.py", "__main__.py")


def shared_names(root: Path) -> list[str]:
    """Names of files in folders that are no packages, which more than one has."""
    paths = (path for path in root.rglob("*.py") if not (path.parent / "__init__.py").exists())
    counts = Counter(path.name for path in paths if path.name not in SPECIAL)
    return sorted(name for name, count in counts.items() if count > 1)


def test_no_two_modules_share_a_name():
    assert shared_names(ROOT) == []


def test_the_rule_finds_them(tmp_path):
    for folder in ("one", "two", "package"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test_same.py").touch()
    (tmp_path / "package" / "__init__.py").touch()
    assert shared_names(tmp_path) == ["test_same.py"]
