"""The whole of a report as JSON, for other programs."""

import dataclasses
import json
import re
from typing import Any

from tfp_flows.grading.results import Report


def write(report: Report) -> str:
    """All of the report."""
    return to_json(as_dictionary(report))


def as_dictionary(report: Report) -> dict[str, Any]:
    """A report as plain values, with its sums."""
    sums = {"points": report.points, "maximum": report.maximum, "percent": report.percent}
    return {"submission": report.submission, **sums, **dataclasses.asdict(report)}


def to_json(value: Any) -> str:
    """JSON with an end of line, without NaN, which is none.

    Half characters, as in the name of a file that is no UTF-8, are escaped: no file can hold them.
    """
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text) + "\n"
