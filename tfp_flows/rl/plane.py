"""A point in the plane with four equally good goals: whether a policy keeps several ways.

Source: the multi-goal environment of Haarnoja et al. 2017, arXiv:1702.08165, section 5.1.
"""

import math
from typing import ClassVar

import gymnasium as gym
import numpy as np

from tfp_flows.errors import InputError

GOALS = np.array([[5.0, 0.0], [-5.0, 0.0], [0.0, 5.0], [0.0, -5.0]])
_SIZE, _START, _NEAR, _BONUS, _EFFORT = 7.0, 0.1, 1.0, 10.0, 30.0
_PIXELS = 200


class MultiGoal(gym.Env):
    """The observation is a position in [-7, 7]², to which an action in [-1, 1]² is added.

    The reward is -30 |a|² - the squared distance to the nearest goal, (±5, 0) or (0, ±5), and 10
    more within 1 of it, where the episode ends. Episodes begin near 0, normal with deviation 0.1.
    Registered as ``tfp_flows/MultiGoal-v0`` with 30 steps an episode.

    Args:
        render_mode: None or ``"rgb_array"``.
    """

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, render_mode: str | None = None):
        self.observation_space = gym.spaces.Box(-_SIZE, _SIZE, (2,), np.float32)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.render_mode = render_mode
        self._path = [np.zeros(2)]

    def reset(self, *, seed=None, options=None):
        """Begins near 0."""
        super().reset(seed=seed)
        self._path = [self.np_random.normal(0.0, _START, 2)]
        return self._path[-1].astype(np.float32), {}

    def step(self, action):
        """Moves the point."""
        action = np.clip(np.asarray(action, np.float64), -1.0, 1.0)
        position = np.clip(self._path[-1] + action, -_SIZE, _SIZE)
        self._path.append(position)
        squares = ((position - GOALS) ** 2).sum(axis=-1)
        reached = bool(squares.min() < _NEAR**2)
        reward = -_EFFORT * float(action @ action) - float(squares.min()) + _BONUS * reached
        return position.astype(np.float32), reward, reached, False, {}

    def render(self):
        """The goals, and the way until now: ``[200, 200, 3]``."""
        picture = np.full((_PIXELS, _PIXELS, 3), 255, np.uint8)
        axis = np.linspace(-_SIZE, _SIZE, _PIXELS)
        x, y = np.meshgrid(axis, -axis)
        for goal in GOALS:
            picture[(x - goal[0]) ** 2 + (y - goal[1]) ** 2 < _NEAR**2] = (198, 219, 239)
        for place in self._path:
            picture[(x - place[0]) ** 2 + (y - place[1]) ** 2 < 0.15**2] = (203, 60, 40)
        return picture


def goal_shares(positions) -> np.ndarray:
    """Shares of the episodes that ended at each of the four `GOALS`.

    Args:
        positions: The last observations of episodes, ``[n, 2]``.

    Returns:
        ``[4]``, which sum to 1 only if every episode reached a goal.

    Raises:
        InputError: If there are no such positions.
    """
    positions = np.asarray(positions, np.float64)
    if positions.ndim != 2 or positions.shape[1] != 2 or not len(positions):
        raise InputError(f"Positions are [n, 2], got an array of shape {positions.shape}.")
    squares = ((positions[:, None] - GOALS) ** 2).sum(axis=-1)
    near = (squares.argmin(axis=1)[:, None] == np.arange(4)) & (squares < _NEAR**2)
    return near.mean(axis=0)


def evenness(shares) -> float:
    """Entropy in nats of the goals among the episodes that reached one; log 4 = 1.386 at most."""
    shares = np.asarray(shares, np.float64)
    total = shares.sum()
    return -sum(p * math.log(p) for p in shares / total if p > 0) if total > 0 else 0.0
