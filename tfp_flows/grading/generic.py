"""Checks for any rubric, told by its file alone what to do."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.grading.comparing import changed_inputs, close, not_an_array
from tfp_flows.grading.replies import Value
from tfp_flows.grading.trial import Finding, Trial

_CALLS = 3


def values(trial: Trial) -> Iterator[Finding]:
    """Calls a function with random arrays and compares with the reference's answers.

    Settings, in the rubric file:

    - ``arguments``: a list; each has ``shape`` with ``low`` and ``high`` of uniform numbers (-1
      and 1 by default), or ``value``, a constant.
    - ``calls``: how often, 3 by default; each time with new numbers.
    - ``relative``, ``absolute``: tolerances.

    Kinds of findings: ``nothing``, ``type``, ``shape``, ``values``, ``dtype``,
    ``changes_input``, ``later_calls``.

    Raises:
        InputError: The rubric has no reference, or the settings are wrong.
    """
    if trial.reference is None:
        raise InputError(f"The check 'values' of {trial.name} needs a reference.py in the rubric.")
    settings = trial.settings
    tolerances = {key: settings[key] for key in ("relative", "absolute") if key in settings}
    for number in range(int(settings.get("calls", _CALLS))):
        arguments = [_argument(entry, trial) for entry in settings.get("arguments", [])]
        expected = trial.reference.call(*arguments)
        actual, after = trial.call(*arguments)
        findings = list(_compare(actual, expected, trial.name, tolerances))
        findings += changed_inputs([a for a in arguments if isinstance(a, np.ndarray)], after)
        if findings:
            if number and findings[0].kind == "values":
                findings = [
                    Finding("later_calls", f"{trial.name} is right at first, and wrong later.")
                ]
            yield from findings
            return


def _argument(entry: Mapping[str, Any], trial: Trial) -> Any:
    if "value" in entry:
        return entry["value"]
    try:
        low, high, shape = entry.get("low", -1.0), entry.get("high", 1.0), entry["shape"]
        return trial.random.uniform(low, high, shape).astype(np.float32)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"The rubric's argument {dict(entry)} of {trial.name} needs a shape or a value."
        ) from None


def _compare(
    actual: Value, expected: Value, what: str, tolerances: Mapping[str, float]
) -> Iterator[Finding]:
    if expected.kind == "sequence":
        if actual.kind != "sequence" or len(actual.items) != len(expected.items):
            yield Finding(
                "type", f"{what} returns {actual.words}, not {len(expected.items)} values."
            )
            return
        for number, pair in enumerate(zip(actual.items, expected.items, strict=True), 1):
            yield from _compare(*pair, f"Value {number} of {what}", tolerances)
        return
    wrong = not_an_array(actual, what)
    if wrong:
        yield wrong
    elif actual.array.shape != expected.array.shape:
        shape = actual.array.shape
        yield Finding("shape", f"{what} returns the shape {shape}, which is not the right one.")
    elif not close(actual.array, expected.array, **tolerances):
        yield Finding("values", f"{what} returns wrong numbers.")
    elif actual.dtype != expected.dtype:
        yield Finding("dtype", f"{what} returns {actual.dtype} instead of {expected.dtype}.")


values.needs_reference = True
CHECKS = {"values": values}
