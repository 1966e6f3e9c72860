"""Agents of this package."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.control.cells import COUNT, HOLD, LEARNERS, SAME, World
from tfp_flows import rl


class Ours:
    """One of `tfp_flows.rl`'s agents.

    Attributes:
        described: Its policy and parameters.
        gradient_seconds: Spent in gradient steps, draws from the memory included.
    """

    def __init__(self, world: World, job: dict[str, Any]):
        learner = LEARNERS[job["agent"]]
        probe = rl.registration.environment(world.name)[1]()
        entries = probe.action_space.shape[0]
        probe.close()
        policy = "gaussian" if not learner.flow else "nsf" if entries == 1 else "realnvp"
        hold = {"hold": HOLD, "num_envs": COUNT} if learner.hold else {}
        self._agent = getattr(rl, learner.algorithm)(
            world.name,
            policy=policy,
            round_steps=job["round"],
            temperature=job["temperature"] or "auto",
            compiled=True,
            seed=job["seed"],
            **{**SAME, "hidden_units": tuple(SAME["hidden_units"])},
            **hold,
        )
        size = sum(int(np.prod(v.shape)) for v in self._agent.policy.trainable_variables)
        self.described = {"policy": policy, "parameters": size, **hold}
        self.gradient_seconds = 0.0
        self._agent._learn = self._timed(self._agent._learn)

    def _timed(self, learn: Callable) -> Callable:
        def timed(updates):
            begun = time.perf_counter()
            told = learn(updates)
            self.gradient_seconds += time.perf_counter() - begun
            return told

        return timed

    @property
    def gradient_steps(self) -> int:
        """Taken until now."""
        return self._agent.updates

    def learn(self) -> None:
        """One round."""
        self._agent.round()

    def act(self, observations: np.ndarray, seed: int | None) -> np.ndarray:
        """Actions; without chance if the seed is None."""
        chance = {"deterministic": True} if seed is None else {"deterministic": False, "seed": seed}
        return self._agent.act(observations, **chance)

    def close(self) -> None:
        """Closes its environments."""
        self._agent.close()


make = Ours
