"""Grades programming assignments automatically, on submissions that nobody trusts."""

from tfp_flows.grading.batch import Submission, find_submissions, grade_all, identical
from tfp_flows.grading.formats import FORMATS, render
from tfp_flows.grading.grader import Grader, grade
from tfp_flows.grading.isolation import Isolation, Limits
from tfp_flows.grading.results import ItemResult, Report, Status
from tfp_flows.grading.rubric import Item, Rubric, load_rubric

__all__ = [
    "FORMATS",
    "Grader",
    "Isolation",
    "Item",
    "ItemResult",
    "Limits",
    "Report",
    "Rubric",
    "Status",
    "Submission",
    "find_submissions",
    "grade",
    "grade_all",
    "identical",
    "load_rubric",
    "render",
]
