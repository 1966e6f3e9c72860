"""Which cases the quick profile runs, and which files keep some for it."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def quick(cases, *chosen, ids=str):
    """Parameters of which the quick profile runs the chosen ones alone.

    Args:
        cases: All values of a parameter.
        *chosen: The names of those that are not deep.
        ids: What gives a value its name.
    """
    names = [ids(case) for case in cases]
    if missing := set(chosen) - set(names):
        raise ValueError(f"There is no case {', '.join(sorted(missing))}.")
    deep = pytest.mark.deep
    return [
        pytest.param(case, marks=[] if name in chosen else deep, id=name)
        for case, name in zip(cases, names, strict=True)
    ]


def without_quick_cases(items) -> list[str]:
    """Test files all of whose cases are deep, but for tools and the grader."""
    quick = {}
    for item in items:
        path = item.path.relative_to(HERE)
        if path.parts[0] not in ("benchmarks", "grading"):
            quick.setdefault(str(path), []).append(item.get_closest_marker("deep") is None)
    return sorted(path for path, cases in quick.items() if not any(cases))
