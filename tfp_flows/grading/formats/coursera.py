"""Coursera's feedback.json: a share of the points and a text."""

from tfp_flows.grading.formats.plain import to_json
from tfp_flows.grading.formats.text import feedback
from tfp_flows.grading.results import Report


def write(report: Report) -> str:
    """``fractionalScore``, a number from 0 to 1, and ``feedback``, which is never empty."""
    return to_json({"fractionalScore": float(report.fraction), "feedback": feedback(report)})
