"""What a check gets to judge an item: the submission's process, and random numbers."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfp_flows.grading.process import Process


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: A name for it; the rubric says how many points it costs.
        message: A sentence for the student that says what is wrong, not what would be right.
    """

    kind: str
    message: str


@dataclasses.dataclass(frozen=True)
class Value:
    """What a submission returned.

    Attributes:
        kind: "array", "none", "text", "sequence" or "other".
        type: Name of its class there.
        array: Its numbers, of an array.
        dtype: Their type there.
        items: Its members, of a sequence.
    """

    kind: str
    type: str
    array: np.ndarray | None = None
    dtype: str = ""
    items: tuple["Value", ...] = ()

    @property
    def words(self) -> str:
        """What it is, for a message."""
        if self.kind == "array":
            return f"an array of shape {self.array.shape}"
        if self.kind == "none":
            return "nothing (None)"
        if self.kind == "sequence":
            return f"a {self.type} of {len(self.items)}"
        return f"an object of the class {self.type}"


class Trial:
    """An item of a submission, loaded and ready to be called.

    Args:
        process: Its process.
        name: Name of the item.
        random: Source of the inputs, different each time.
        settings: The rubric's settings of the item.
        reference: A trial of the reference solution, for checks that compare with it.
    """

    def __init__(
        self,
        process: Process,
        name: str,
        random: np.random.Generator,
        settings: Any = None,
        reference: "Trial | None" = None,
    ):
        self.name, self.random = name, random
        self.settings = settings or {}
        self.reference = reference
        self._process = process

    def call(self, *arguments: Any) -> tuple[Value, list[Value]]:
        """Calls the item with tensors and plain values.

        Returns:
            What it returned, and what its tensors hold after the call.
        """
        arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
        numbers = iter(range(len(arrays)))
        given = [
            {"array": next(numbers)} if isinstance(argument, np.ndarray) else argument
            for argument in arguments
        ]
        answer, found = self._process.request("call", arrays, function=self.name, arguments=given)
        after = [decode(value, found) for value in answer.get("inputs", [])]
        return decode(answer.get("value"), found), after

    def probe(self, probe: str, arrays: Sequence[np.ndarray] = (), **settings: Any) -> Any:
        """Runs a probe of the rubric; values of the submission in its result are `Value`s."""
        answer, found = self._process.request(
            "probe", arrays, probe=probe, settings={"name": self.name, **settings}
        )
        return _decode_all(answer.get("result"), found)


def decode(description: Any, arrays: Sequence[np.ndarray]) -> Value:
    """Turns a description from a confined process into a value; it may say anything."""
    if not isinstance(description, dict):
        return Value("other", "?")
    kind, name = description.get("kind"), str(description.get("type", "?"))[:60]
    if kind == "array":
        index = description.get("index")
        if not isinstance(index, int) or not 0 <= index < len(arrays):
            return Value("other", name)
        return Value("array", name, arrays[index], str(description.get("dtype"))[:20])
    if kind == "sequence" and isinstance(description.get("items"), list):
        items = tuple(decode(item, arrays) for item in description["items"])
        return Value("sequence", name, items=items)
    return Value(kind if kind in ("none", "text") else "other", name)


def _decode_all(result: Any, arrays: Sequence[np.ndarray]) -> Any:
    if isinstance(result, dict):
        if "kind" in result and "type" in result:
            return decode(result, arrays)
        return {key: _decode_all(value, arrays) for key, value in result.items()}
    if isinstance(result, list):
        return [_decode_all(value, arrays) for value in result]
    return result
