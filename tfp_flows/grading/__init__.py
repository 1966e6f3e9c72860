"""Grades programming assignments automatically, on submissions that nobody trusts."""

from tfp_flows.grading.grader import Grader
from tfp_flows.grading.isolation import Isolation, Limits
from tfp_flows.grading.results import ItemResult, Report, Status
from tfp_flows.grading.rubric import Item, Rubric, load_rubric

__all__ = [
    "Grader",
    "Isolation",
    "Item",
    "ItemResult",
    "Limits",
    "Report",
    "Rubric",
    "Status",
    "load_rubric",
]
