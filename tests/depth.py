"""Which files of tests keep cases for the quick profile."""

from pathlib import Path

HERE = Path(__file__).parent


def without_quick_cases(items) -> list[str]:
    """Test files all of whose cases are deep, but for tools and the grader."""
    quick = {}
    for item in items:
        path = item.path.relative_to(HERE)
        if path.parts[0] not in ("benchmarks", "grading"):
            quick.setdefault(str(path), []).append(item.get_closest_marker("deep") is None)
    return sorted(path for path, cases in quick.items() if not any(cases))
