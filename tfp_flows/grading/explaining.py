"""Sentences for students on how a run of their code ended."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from tfp_flows.grading.isolation import Limits
from tfp_flows.grading.process import Ended, Failure

GUARDED = "It ends in an error beside parts of the reference, which must not be shown."
UNREADABLE = "What came back from its process cannot be read as a result."
_HINTS = {
    "MemoryError": "It asked for more memory than it may use.",
    "ResourceExhaustedError": "It asked for more memory than it may use.",
    "SystemExit": "It called sys.exit or raised SystemExit instead of returning a value.",
    "PermissionError": "It tried something that is not allowed here (files, processes, network).",
    "RecursionError": "It calls itself without an end.",
}
_ENDINGS = {
    "exit": "It ended its own process (os._exit or similar) instead of returning a value.",
    "nonsense": "It wrote to the grader's own connection instead of returning a value.",
}
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,x]\d+)*(?:e[+-]?\d+)?")
_LONE_DIGIT = re.compile(r"(?<= )\d(?= [a-z])")
_SEVERAL = re.compile(r"…(?:, …)+")
_LAST_LINE = 100_000


def without_numbers(message: str) -> str:
    """A message with no number in it but lone digits, nor how many there were.

    A count tells a student more than it can spell; a shape or a value could spell a text.
    """
    kept = {found.start() for found in _LONE_DIGIT.finditer(message)}
    blanked = _NUMBER.sub(lambda found: found[0] if found.start() in kept else "…", message)
    return _SEVERAL.sub("…", blanked)


def explain_failure(failure: Failure) -> str:
    """A sentence on an error that the submission raised."""
    line = failure.line if 0 < failure.line < _LAST_LINE else 0
    place = failure.place
    if line:
        place = f"{place}, line {line}" if place else f"line {line}"
    where = f" ({place})" if place else ""
    first = failure.text.strip().partition("\n")[0][:300]
    said = f"{failure.error}: {first}" if first else failure.error
    said = said if said.endswith((".", "!", "?")) else f"{said}."
    hint = _HINTS.get(failure.error)
    return f"{hint} It says{where} {said}" if hint else f"It raises{where} {said}"


def explain_ending(ended: Ended, limits: Limits, seconds: float) -> str:
    """A sentence on a process that is over.

    Args:
        ended: How.
        limits: Its bounds.
        seconds: The wall time that it had.
    """
    if ended.reason == "time":
        return f"It had not ended after {seconds:.0f} seconds: is there an endless loop?"
    if ended.reason == "memory":
        return f"It used more than {limits.memory / 1e9:.1f} GB of memory."
    if ended.reason == "signal":
        return f"Its process crashed (signal {ended.code})."
    return _ENDINGS[ended.reason]


def cause(failure: Failure, failed: Collection[Mapping[str, Any]]) -> Failure:
    """What an error came from, where it is about a name whose own definition failed before."""
    if failure.error == "NameError":
        for earlier in failed:
            if any(f"'{name}'" in failure.text for name in earlier["binds"]):
                found = Failure(earlier)
                if found.text != failure.text:
                    return found
    return failure
