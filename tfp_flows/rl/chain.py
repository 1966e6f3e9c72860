"""A chain whose returns have a known law, to judge distributions of returns by."""

import math
from typing import ClassVar

import gymnasium as gym
import numpy as np

from tfp_flows.errors import InputError

_LENGTH, _NOISE, _ALONG = 4, 0.5, 0.5
# Means of the last reward, each as likely, by action: a safe one, and one better on average.
_LAST = ((1.0,), (4.0, -1.0))


class Chain(gym.Env):
    """Four places in a row, one-hot; each step goes on to the next, whatever the action.

    A reward is normal with deviation 0.5: about 0.5 on the way; at the last place about 1 for
    action 0 (safe), and about 4 or -1, each with chance 1/2, for action 1 (risky). So the law of
    the return is a mixture of normals, action 1 is better on average, and action 0 is better in the
    worst quarter. Registered as ``tfp_flows/Chain-v0``.

    Args:
        render_mode: None; there is nothing to see.
    """

    metadata: ClassVar = {"render_modes": []}

    def __init__(self, render_mode: str | None = None):
        self.observation_space = gym.spaces.Box(0.0, 1.0, (_LENGTH,), np.float32)
        self.action_space = gym.spaces.Discrete(2)
        self.render_mode, self._place = render_mode, 0

    def reset(self, *, seed=None, options=None):
        """Begins at the first place."""
        super().reset(seed=seed)
        self._place = 0
        return self.at(0), {}

    def step(self, action):
        """Goes on by one place."""
        last = self._place == _LENGTH - 1
        mean = self.np_random.choice(_LAST[int(action)]) if last else _ALONG
        reward = mean + _NOISE * self.np_random.standard_normal()
        self._place = min(self._place + 1, _LENGTH - 1)
        return self.at(self._place), float(reward), last, False, {}

    @staticmethod
    def at(place: int) -> np.ndarray:
        """The observation at a place, from 0."""
        return np.eye(_LENGTH, dtype=np.float32)[place]

    @staticmethod
    def law(place: int, action: int, discount: float) -> tuple[np.ndarray, float]:
        """The discounted return from a place on, if ``action`` is the last one.

        Returns:
            Means of the equally likely normals, and their standard deviation.

        Raises:
            InputError: If there is no such place or action.
        """
        if not (0 <= place < _LENGTH and action in (0, 1)):
            raise InputError(
                f"The chain has places 0 to 3 and actions 0 and 1, got {place, action}."
            )
        powers = discount ** np.arange(_LENGTH - place)
        along = _ALONG * powers[:-1].sum()
        deviation = _NOISE * math.sqrt((powers**2).sum())
        return along + powers[-1] * np.array(_LAST[action]), deviation

    @classmethod
    def cdf(cls, values, place: int, action: int, discount: float) -> np.ndarray:
        """Distribution function of that return at ``values``."""
        means, deviation = cls.law(place, action, discount)
        z = (np.asarray(values, np.float64)[..., None] - means) / (deviation * math.sqrt(2))
        return np.vectorize(lambda x: 0.5 * (1 + math.erf(x)))(z).mean(axis=-1)
