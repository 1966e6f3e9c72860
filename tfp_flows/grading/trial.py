"""What a check gets to judge an item: the submission's process, and random numbers."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.grading.process import Ended, Failure, Process
from tfp_flows.grading.replies import Malformed, Reply, Value


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: A name for it; the rubric says how many points it costs.
        message: A sentence for the student that says what is wrong, not what would be right.
    """

    kind: str
    message: str


class Trial:
    """An item of a submission, loaded and ready to be called.

    Args:
        process: Its process.
        name: Name of the item.
        random: Source of the inputs, different each time.
        settings: The rubric's settings of the item.
        reference: The reference solution, for checks that compare with it.
        guarded: Whether names that the submission chose must not go into messages.
    """

    def __init__(
        self,
        process: Process,
        name: str,
        random: np.random.Generator,
        settings: Any = None,
        reference: "Reference | None" = None,
        *,
        guarded: bool = False,
    ):
        self.name, self.random = name, random
        self.settings = settings or {}
        self.reference = reference
        self._process, self._guarded = process, guarded

    def call(self, *arguments: Any) -> tuple[Value, list[Value]]:
        """Calls the item with tensors and plain values.

        Returns:
            What it returned, and what its tensors hold after the call.

        Raises:
            Failure: The submission raised an error.
            Ended: Its process is over.
            Malformed: The answer is none.
        """
        arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
        numbers = iter(range(len(arrays)))
        given = [
            {"array": next(numbers)} if isinstance(argument, np.ndarray) else argument
            for argument in arguments
        ]
        answer, found = self._process.request("call", arrays, function=self.name, arguments=given)
        reply = Reply(answer, found, guarded=self._guarded)
        after = reply.value("inputs")
        if len(after.items) != len(arrays):
            raise Malformed
        return reply.value("value"), list(after.items)

    def probe(self, probe: str, arrays: Sequence[np.ndarray] = (), **settings: Any) -> Reply:
        """Runs a probe of the rubric.

        Raises:
            Failure: The submission raised an error.
            Ended: Its process is over.
            Malformed: The answer is none.
        """
        answer, found = self._process.request(
            "probe", arrays, probe=probe, settings={"name": self.name, **settings}
        )
        return Reply(answer.get("result"), found, guarded=self._guarded)


class Reference:
    """An item of the reference solution; what goes wrong with it is the rubric's fault.

    Args:
        process: A process that has loaded it.
        name: Name of the item.
    """

    def __init__(self, process: Process, name: str):
        self._trial = Trial(process, name, np.random.default_rng())

    def call(self, *arguments: Any) -> Value:
        """What the reference returns.

        Raises:
            InputError: It raised an error or came to no end.
        """
        try:
            return self._trial.call(*arguments)[0]
        except (Failure, Ended, Malformed) as error:
            raise reference_fault(self._trial.name, error) from None


def reference_fault(name: str, error: Exception) -> InputError:
    """The error about a reference that does not work."""
    said = f"{error.error}: {error.text}" if isinstance(error, Failure) else "no answer in time"
    return InputError(f"The rubric's reference of {name} does not work ({said[:200]}).")
