"""An executed notebook as nbgrader reads it: one test cell for each item.

nbgrader gives a test cell no points if its output holds an error or anything on standard error,
the number that is its result otherwise, and all points if there is neither.
"""

import json

from tfp_flows.errors import InputError
from tfp_flows.grading.results import ItemResult, Report

_SCHEMA = 3


def write(report: Report) -> str:
    """A notebook whose test cells hold their results; run again, they grade again.

    Raises:
        InputError: nbformat is not installed.
    """
    try:
        from nbformat import v4, validate, writes
    except ImportError:
        raise InputError(
            "The format nbgrader needs nbformat: pip install tfp-flows[grade]."
        ) from None
    cells = [_cell(v4, report, number, item) for number, item in enumerate(report.items, 1)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    validate(notebook)
    return writes(notebook) + "\n"


def _cell(v4, report: Report, number: int, item: ItemResult):
    path, part, rubric = map(json.dumps, (report.path, item.id, report.rubric_location))
    source = (
        "from tfp_flows.grading import grade\n\n"
        f"report = grade({path}, part={part}, rubric={rubric})\n"
        "print(report.items[0].message)\n"
        "assert report.points > 0\n"
        "report.points"
    )
    outputs = [v4.new_output("stream", name="stdout", text=f"{item.message}\n")]
    if item.points > 0:
        data = {"text/plain": repr(item.points)}
        outputs.append(v4.new_output("execute_result", data=data, execution_count=number))
    else:
        outputs.append(v4.new_output("error", ename="AssertionError", evalue="", traceback=[]))
    metadata = {
        "schema_version": _SCHEMA,
        "grade": True,
        "locked": True,
        "solution": False,
        "task": False,
        "grade_id": f"test_{item.id}",
        "points": item.maximum,
        "cell_type": "code",
    }
    return v4.new_code_cell(
        source,
        id=f"test-{number}",
        metadata={"nbgrader": metadata},
        execution_count=number,
        outputs=outputs,
    )
