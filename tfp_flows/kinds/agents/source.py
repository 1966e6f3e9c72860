"""Where an agent learns: an environment that Gymnasium knows, or one in a file."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.kinds.agents.settings import AgentSettings
from tfp_flows.runs import code
from tfp_flows.terminal import import_tensorflow


class AgentSource:
    """An environment.

    Attributes:
        name: As it was asked for, without folders.
        env: Name of the environment, or the function that makes it.
        make: Makes one, with arguments like ``render_mode``; its observations are one array.
        render_modes: How it can be shown.
    """

    def __init__(self, settings: AgentSettings, env: Any, make: Callable, content: bytes):
        self.name, self.env, self.make, self._content = Path(settings.data).name, env, make, content
        self._settings = settings
        probe = make()
        self._seen, self._actions = probe.observation_space, probe.action_space
        self.render_modes = tuple(probe.metadata.get("render_modes") or ())
        self.frames_a_second = int(probe.metadata.get("render_fps") or 20)
        probe.close()

    def digest(self, form: int) -> str:
        """A fingerprint of the name, or of the file, by which a changed one is noticed."""
        return hashlib.sha256(f"{self.name}\n".encode() + self._content).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Shapes of the flow's events and of observations, and the spaces in words."""
        size = 1 if self._settings.algorithm == "nfq" else self._actions.shape[0]
        return {
            "environment": self.name,
            "events": [size],
            "observations": list(self._seen.shape),
            "observation_space": str(self._seen),
            "action_space": str(self._actions),
        }

    def remarks(self) -> list[str]:
        """Nothing that the agent itself would not say."""
        return []


def load(settings: AgentSettings) -> AgentSource:
    """Finds the environment that was asked for.

    Raises:
        InputError: If Gymnasium is missing, or knows no such environment, or the file does not run.
    """
    import_tensorflow()
    from tfp_flows.rl.registration import environment

    place, _, name = settings.data.rpartition(":")
    if not place.endswith(".py"):
        return AgentSource(settings, settings.data, environment(settings.data)[1], b"")
    path = Path(place)
    content = code.read(path)
    found = code.load(path, name)
    if not callable(found):
        raise InputError(f"{path} holds something that makes no environment: {name!r}.")
    return AgentSource(settings, found, environment(found)[1], content)
