"""Soft actor-critic of stable-baselines3, in PyTorch."""

import time
from typing import Any

import numpy as np
import stable_baselines3
import torch

from benchmarks.control.cells import HOLD, LEARNERS, SAME, World
from tfp_flows.rl.registration import environment


class Stable:
    """Its SAC, with its defaults where `SAME` says nothing.

    Attributes:
        described: Its policy and parameters.
        gradient_seconds: Spent in gradient steps, draws from the memory included.
    """

    def __init__(self, world: World, job: dict[str, Any]):
        torch.set_num_threads(job["threads"])
        # Its noise is drawn anew in each collection, so that one of a single step holds nothing.
        held = LEARNERS[job["agent"]].hold
        several = {"train_freq": HOLD, "gradient_steps": HOLD, "use_sde": True} if held else {}
        self._round = job["round"]
        self._model = stable_baselines3.SAC(
            "MlpPolicy",
            environment(world.name)[1](),
            policy_kwargs={"net_arch": list(SAME["hidden_units"])},
            batch_size=SAME["batch_size"],
            learning_rate=SAME["learning_rate"],
            buffer_size=SAME["buffer_size"],
            learning_starts=SAME["learning_starts"],
            gamma=SAME["discount"],
            tau=SAME["follow"],
            ent_coef=job["temperature"] or "auto",
            seed=job["seed"],
            device="cpu",
            **several,
        )
        size = sum(p.numel() for p in self._model.actor.parameters())
        self.described = {"policy": "gaussian", "parameters": size, **several}
        self.gradient_steps, self.gradient_seconds = 0, 0.0
        self._train = self._model.train
        self._model.train = self._timed

    def _timed(self, gradient_steps: int, batch_size: int = 64) -> None:
        begun = time.perf_counter()
        self._train(gradient_steps=gradient_steps, batch_size=batch_size)
        self.gradient_seconds += time.perf_counter() - begun
        self.gradient_steps += gradient_steps

    def learn(self) -> None:
        """One round; episodes go on from the one before."""
        self._model.learn(self._round, reset_num_timesteps=False, log_interval=None)

    def act(self, observations: np.ndarray, seed: int | None) -> np.ndarray:
        """Actions; without chance if the seed is None."""
        if seed is not None:
            torch.manual_seed(seed)
        return self._model.predict(observations, deterministic=seed is None)[0]

    def close(self) -> None:
        """Closes its environments."""
        self._model.get_env().close()


make = Stable
