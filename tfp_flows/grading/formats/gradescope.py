"""Gradescope's results.json: the sum, and one test for each item."""

from tfp_flows.grading.formats.plain import to_json
from tfp_flows.grading.formats.text import conditions
from tfp_flows.grading.results import ItemResult, Report, Status


def write(report: Report) -> str:
    """Score, tests and times; texts are marked as plain, so that none of them is markup."""
    notes = [f"Note: {note}" for note in report.remarks]
    keras = [f"Graded with {report.keras}."] if report.keras else []
    return to_json(
        {
            "score": report.points,
            "execution_time": round(report.seconds),
            "output": "\n".join([*notes, *keras, conditions(report)]),
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": [_test(str(n), item) for n, item in enumerate(report.items, 1)],
        }
    )


def _test(number: str, item: ItemResult) -> dict[str, object]:
    return {
        "name": item.id,
        "number": number,
        "score": item.points,
        "max_score": item.maximum,
        "status": "passed" if item.status is Status.passed else "failed",
        "output": item.message,
        "output_format": "text",
        "visibility": "visible",
    }
