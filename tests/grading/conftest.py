"""One grader for all tests of a worker: it takes seconds to start."""

import os
from pathlib import Path

import pytest

from tfp_flows.grading import Grader, Limits

HERE = Path(__file__).parent
# What starts a grader, or grades, takes seconds for each submission: of these tests the quick
# profile runs a few, one of each sort.
GRADES = {"grader", "graded", "second", "built", "reports", "folder"}
GRADES_BY_ITSELF = {
    "test_bad_requests_are_refused_at_once",
    "test_cells_for_nbgrader_grade_again",
    "test_one_file_for_people",
    "test_calls_that_reach_out_are_refused",
    "test_endless_items_take_no_time_from_others",
    "test_nothing_runs_as_root_where_it_could_reach_files",
    "test_nothing_runs_where_it_could_reach_files",
    "test_nothing_runs_where_it_could_reach_other_processes",
    "test_nothing_submitted_is_a_score_with_feedback",
    "test_rubric_of_one_s_own_comes_along",
    "test_step_of_github_gets_its_output",
    "test_weaker_walls_hold_as_well",
    "test_what_is_weaker_is_named_and_what_matters_said",
}
QUICK = {
    "test_empty_notebook_of_a_student_scores_nothing",
    "test_failed_dependency_is_replaced_by_the_reference",
    "test_is_caught[get_conv_resnet0]",
    "test_is_confined[read_secrets.py]",
    "test_is_confined[os_exit.py]",
    "test_reports_say_which_walls_there_were",
    "test_scores_everything[solution]",
    "test_wrong_rubric_is_told_in_one_sentence",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if HERE not in item.path.parents:
            continue
        grades = GRADES & set(item.fixturenames) or item.originalname in GRADES_BY_ITSELF
        if grades and not QUICK & {item.name, item.originalname}:
            item.add_marker(pytest.mark.deep)


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
