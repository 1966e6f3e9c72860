"""What of an agent is kept, so that a killed one goes on as it would have."""

import json
from typing import Any, ClassVar

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.rl.buffer import ReplayBuffer
from tfp_flows.training_state import Arrays, TrainingState


class Kept:
    """The part of an agent that knows files.

    Attributes:
        name: Of the environment.
        steps: Steps taken; ``updates``, gradient steps; ``rounds``, rounds.
        buffer: The `ReplayBuffer`.
    """

    algorithm: ClassVar[str] = ""
    name: str
    steps: int
    updates: int
    rounds: int
    buffer: ReplayBuffer
    _shape: tuple[int, ...]
    _action_size: int
    _seed: int

    def state(self) -> Arrays:
        """All that learning changes, in named groups; ``weight`` is what acts."""
        about = json.dumps(self._about())
        return {
            "about": [np.array(about)],
            "counter": [np.array([self.steps, self.updates, self.rounds])],
            "buffer": self.buffer.state(),
        }

    def restore(self, arrays: Arrays) -> None:
        """Puts groups back that `state` returned; ``weight`` alone, if there is nothing else.

        Raises:
            InputError: If they are of another environment or agent.
        """
        if "about" not in arrays:
            return
        kept, own = json.loads(str(arrays["about"][0])), self._about()
        for what, value in own.items():
            if kept.get(what) != value:
                raise InputError(
                    f"The checkpoint is of {what} {kept.get(what)}, the agent of {value}; make the "
                    "agent as it was, or begin anew."
                )
        self.steps, self.updates, self.rounds = (int(n) for n in arrays["counter"][0])
        self.buffer.restore(arrays["buffer"])

    def save(self, path) -> None:
        """Writes a checkpoint, ``.npz``: weights, optimizers, memory and counters.

        Raises:
            InputError: If it cannot be written.
        """
        TrainingState(path, kind="agents", seed=self._seed).save(self.state)

    def load(self, path) -> None:
        """Goes on from what `save` wrote.

        Raises:
            InputError: If there is no such file, or it is of another environment, agent or seed.
        """
        arrays = TrainingState(path, kind="agents", seed=self._seed).load()
        if arrays is None:
            raise InputError(f"There is no checkpoint {path}; give what save wrote.")
        try:
            self.restore(arrays)
        except (KeyError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path} is of an agent with other networks; make the agent as it was."
            ) from error

    def _about(self) -> dict[str, Any]:
        return {
            "environment": self.name,
            "algorithm": self.algorithm,
            "observations": list(self._shape),
            "actions": self._action_size,
        }
