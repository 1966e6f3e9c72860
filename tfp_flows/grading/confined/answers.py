"""Answers the grader's requests about one submission, from inside its process."""

import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from .namespace import at_hand, run_statements
from .normal import fingerprint
from .notebook import NotCode, read_cells
from .statements import read_statements
from .values import encode, type_name
from .wire import Channel, WireError

_MAX_TEXT = 500
_LARGEST_NUMBER = 1 << 63
_MOST_FAILURES = 100


class Returned:
    """Marks a value that came from the submission, to be sent as arrays."""

    def __init__(self, value: Any):
        self.value = value


class Submission:
    """A submission that has been loaded: its names, and the probes that look at them.

    Attributes:
        names: Namespace of the submission.
        kept: Objects that probes keep between requests.
    """

    def __init__(self) -> None:
        # Dataclasses and type hints look for the module of a class.
        module = sys.modules["submission"] = types.ModuleType("submission")
        self.names: dict[str, Any] = module.__dict__
        self.kept: dict[str, Any] = {}
        self._probes: dict[str, Any] = {"__name__": "probes"}

    def returned(self, value: Any) -> Returned:
        """Marks a value in a probe's result, so that it is sent as plain arrays."""
        return Returned(value)

    def read(self, request: dict, arrays: list[np.ndarray]) -> dict[str, Any]:
        """Splits a file into statements; runs none of them."""
        try:
            cells = read_cells(arrays[0].tobytes(), request["name"])
        except NotCode as error:
            return {"refused": str(error)}
        statements, broken, skipped = read_statements(cells)
        return {
            "statements": [statement._asdict() for statement in statements],
            "broken": [piece._asdict() for piece in broken],
            "skipped": [piece._asdict() for piece in skipped],
        }

    def fingerprint(self, request: dict, arrays: list[np.ndarray]) -> dict[str, Any]:
        """Fingerprint of some definitions."""
        return {"digest": fingerprint(request["sources"], request["kept"])}

    def prepare(self, request: dict, arrays: list[np.ndarray]) -> dict[str, Any]:
        """Loads the probes, the names at hand and the stand-ins: nothing of the submission.

        Each stand-in has a namespace of its own, so that none leads to another one.
        """
        exec(compile(request["probes"], "probes", "exec"), self._probes)
        self.names.update(at_hand(request["names"]))
        hand = dict(self.names)
        for stand_in in request["stand_ins"]:
            own = dict(hand, __name__="stand_in")
            failed = run_statements(stand_in["statements"], own, request["keras"])
            if failed:
                raise failed[0][1]
            self.names[stand_in["name"]] = own[stand_in["name"]]
        return {}

    def load(self, request: dict, arrays: list[np.ndarray]) -> dict[str, Any]:
        """Runs the statements of the submission that an item needs."""
        failed = run_statements(request["own"], self.names, request["keras"])
        return {
            "failed": [
                {"binds": statement["binds"], "kind": statement["kind"], **describe(error)}
                for statement, error in failed[:_MOST_FAILURES]
            ]
        }

    def call(self, request: dict, arrays: list[np.ndarray]) -> tuple[dict, list[np.ndarray]]:
        """Calls one of its functions with tensors."""
        inputs = [tf.constant(array) for array in arrays]
        arguments = [
            inputs[given["array"]] if isinstance(given, dict) else given
            for given in request["arguments"]
        ]
        value = self.names[request["function"]](*arguments)
        found: list[np.ndarray] = []
        result = encode(value, found)
        return {"value": result, "inputs": encode(inputs, found)}, found

    def probe(self, request: dict, arrays: list[np.ndarray]) -> tuple[dict, list[np.ndarray]]:
        """Runs a probe: a function of the rubric that looks at the submission."""
        function: Callable = self._probes[request["probe"]]
        found: list[np.ndarray] = []
        result = function(self, request["settings"], arrays)
        return {"result": _encoded(result, found)}, found


def _encoded(result: Any, found: list[np.ndarray]) -> Any:
    """A probe's result: dictionaries, lists, words and numbers, with values encoded."""
    if isinstance(result, dict):
        return {str(key): _encoded(value, found) for key, value in result.items()}
    if isinstance(result, Returned):
        return encode(result.value, found)
    if isinstance(result, list):
        return [_encoded(value, found) for value in result]
    if isinstance(result, str):
        return result[:_MAX_TEXT]
    if isinstance(result, int) and abs(result) >= _LARGEST_NUMBER:
        return type_name(result)
    return result if isinstance(result, int | float | None) else type_name(result)


def describe(error: BaseException) -> dict[str, Any]:
    """What an error says, and the line of the submission where it came up."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text[: 4 * _MAX_TEXT])
    place, line = "", 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name == "submission" or name.startswith("cell "):
            place, line = name, number
    return {
        "error": type_name(error),
        "text": text[:_MAX_TEXT],
        "place": "" if place == "submission" else place,
        "line": line,
    }


def try_tensorflow() -> None:
    """Computes something, because TensorFlow may not work behind walls that can be put up.

    Raises:
        RuntimeError: The result is wrong.
    """
    if float(tf.reduce_sum(tf.constant([1.0, 2.0]))) != 3.0:
        raise RuntimeError("TensorFlow does not work behind these walls")


def serve(channel: Channel) -> None:
    """Answers until the grader hangs up."""
    submission = Submission()
    tf.random.set_seed(0)
    names = ("read", "fingerprint", "prepare", "load", "call", "probe")
    operations = {name: getattr(submission, name) for name in names}
    while True:
        try:
            request, arrays = channel.receive()
        except WireError:
            return
        found: list[np.ndarray] = []
        try:
            answer = operations[request["do"]](request, arrays)
            if isinstance(answer, tuple):
                answer, found = answer
            channel.send({"answer": answer}, found)
        except WireError:
            return
        except BaseException as error:
            channel.send({"failure": describe(error)})
