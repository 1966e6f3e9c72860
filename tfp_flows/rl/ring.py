"""A ring of equally good actions, whose best policy is known."""

import math
from typing import ClassVar

import gymnasium as gym
import numpy as np

_RADIUS, _WIDTH = 0.6, 0.1


class Ring(gym.Env):
    """One step: the reward of an action in [-1, 1]² is ``-((|a| - 0.6) / 0.1)² / 2``.

    All actions of length 0.6 are best, so a Gaussian must choose one of them, or waste. At
    temperature ``t`` the best policy has density ``exp(reward / t)`` over its integral, see
    `log_normaliser`. Registered as ``tfp_flows/Ring-v0``.

    Args:
        render_mode: None; there is nothing to see.
    """

    metadata: ClassVar = {"render_modes": []}

    def __init__(self, render_mode: str | None = None):
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        """Shows the only observation, 0."""
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        """Judges the action, and ends."""
        return np.zeros(1, np.float32), float(self.reward(action)), True, False, {}

    @staticmethod
    def reward(actions) -> np.ndarray:
        """Rewards ``[...]`` of actions ``[..., 2]``."""
        length = np.linalg.norm(np.asarray(actions, np.float64), axis=-1)
        return -0.5 * ((length - _RADIUS) / _WIDTH) ** 2

    @classmethod
    def log_normaliser(cls, temperature: float, points: int = 2000) -> float:
        """``log`` of the integral of ``exp(reward / temperature)`` over the box.

        The temperature times this is the best value of reward plus temperature times entropy.

        Args:
            temperature: ``t``.
            points: Of the midpoint rule along each axis.
        """
        axis = (np.arange(points) + 0.5) / points * 2 - 1
        density = np.exp(cls.reward(np.stack(np.meshgrid(axis, axis), axis=-1)) / temperature)
        return math.log(density.mean() * 4)
