"""One grader for all tests of a worker: it takes seconds to start."""

import os
from pathlib import Path

import pytest

from tfp_flows.grading import Grader, Limits

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def grader():
    """A grader with short limits, which starts beside a secret of the environment."""
    os.environ["MY_SECRET_TOKEN"] = "FOUND-IT"
    with Grader(limits=Limits(seconds=12, total_seconds=90)) as grader:
        grader.start()
        yield grader


@pytest.fixture
def graded(grader, tmp_path):
    """Grades a source, and gives the results by name."""

    def grade(source, part=None):
        path = tmp_path / "submission.py"
        path.write_text(source, encoding="utf-8")
        report = grader.grade(path, part=part)
        return {item.id: item for item in report.items}

    return grade
