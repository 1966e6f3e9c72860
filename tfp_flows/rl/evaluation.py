"""How good an agent is: whole episodes in environments that it does not learn in."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.rl.collecting import check_finite, vector
from tfp_flows.rl.registration import environment

_SIDE_BY_SIDE = 50
_LONGEST = 100_000


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Episodes from start states drawn by a seed.

    Attributes:
        returns: Undiscounted returns ``[n]``, in the environment's units.
        lengths: Steps ``[n]``.
        last: The last observations ``[n, *observation]``.
    """

    returns: np.ndarray
    lengths: np.ndarray
    last: np.ndarray

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def standard_error(self) -> float | None:
        """Its standard error; None of one episode."""
        n = len(self.returns)
        return float(self.returns.std(ddof=1) / math.sqrt(n)) if n > 1 else None

    def __str__(self):
        error = "" if self.standard_error is None else f" ± {2 * self.standard_error:.1f} (2 s.e.)"
        return f"mean return {self.mean:.1f}{error} of {len(self.returns)} episodes"


def evaluate(
    act: Callable[[np.ndarray, int], np.ndarray],
    env: Any,
    episodes: int = 50,
    *,
    seed: int = 0,
    embedded: bool = False,
) -> Evaluation:
    """Runs whole episodes, side by side.

    Args:
        act: From observations ``[n, *observation]`` and the number of the step to actions.
        env: See `tfp_flows.rl.registration.environment`.
        episodes: How many.
        seed: Of the start states.
        embedded: Whether observations stay as they are.

    Raises:
        InputError: If there is no such environment, no episode is asked for, one does not end, or
            a reward or an observation is NaN.
    """
    if episodes < 1:
        raise InputError(f"An evaluation takes at least one episode, got {episodes}.")
    name, make = environment(env, embedded=embedded)
    parts = []
    for start in range(0, episodes, _SIDE_BY_SIDE):
        count = min(_SIDE_BY_SIDE, episodes - start)
        parts.append(_episodes(act, name, make, count, seed, start))
    return Evaluation(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _episodes(act, name: str, make: Callable[..., gym.Env], count: int, seed: int, first: int):
    envs = vector(make, count)
    numbers = np.random.default_rng([seed, 1]).integers(2**31 - 1, size=first + count)[first:]
    observations, _ = envs.reset(seed=[int(number) for number in numbers])
    returns, lengths = np.zeros(count), np.zeros(count, np.int64)
    last, running = np.array(observations), np.ones(count, bool)
    for step in range(_LONGEST):
        check_finite(name, step, observation=observations)
        observations, rewards, ended, cut, infos = envs.step(act(observations, step))
        check_finite(name, step, reward=rewards)
        returns += np.where(running, rewards, 0.0)
        lengths += running
        for place in np.flatnonzero(running & (ended | cut)):
            last[place] = infos["final_obs"][place]
        running &= ~(ended | cut)
        if not running.any():
            envs.close()
            return returns, lengths, last
    envs.close()
    raise InputError(
        f"An episode of {name} has not ended after {_LONGEST:,} steps; make it with a time limit, "
        "gymnasium.make(..., max_episode_steps=...)."
    )
