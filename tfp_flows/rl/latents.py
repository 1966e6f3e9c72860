"""Two levels: what a policy does is the action space of another.

Source: Haarnoja et al. 2018, arXiv:1804.02808: a policy that is a flow can be inverted, so that a
level above it loses no action.
"""

from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.rl.policy import FlowPolicy
from tfp_flows.rl.spaces import action_box


class LatentActions(gym.Wrapper):
    """An environment whose actions are latents of a policy that stays as it is.

    An action ``z`` of the level above becomes the action that the policy takes with the latent
    ``z`` at the current observation. Latents beyond the bound, a share of 0.3 % an entry at 3, are
    out of reach; 0 is what the policy does without chance.

    Args:
        env: The environment; its observations are those that the policy was learned from.
        policy: The policy. That of a saved agent is ``FlowPolicy.of(tff.load(path).flow)``.
        bound: Of the latents, on either side.

    Raises:
        InputError: If the policy is of other observations or actions, or the bound is not positive.

    Example:
        >>> low = tff.rl.SAC("tfp_flows/MultiGoal-v0", policy="realnvp")
        >>> low.learn(10_000)
        >>> make = lambda **options: LatentActions(gym.make("Mine-v0", **options), low.policy)
        >>> high = tff.rl.SAC(make)
    """

    def __init__(self, env: gym.Env, policy: FlowPolicy, bound: float = 3.0):
        super().__init__(env)
        if not (np.isfinite(bound) and bound > 0):
            raise InputError(f"The bound of latents is a positive number, got {bound}.")
        low, _ = action_box(env.action_space)
        seen, size = tuple(env.observation_space.shape or ()), policy.size
        if size != len(low) or tuple(policy.flow.context_shape) != seen:
            raise InputError(
                f"The policy is of {size} entries an action given {policy.flow.context_shape}; the "
                f"environment has {len(low)} given {seen}."
            )
        self.action_space = gym.spaces.Box(-bound, bound, (size,), np.float32)
        self._policy, self._observation = policy, np.zeros(seen)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """Begins an episode."""
        self._observation, info = self.env.reset(seed=seed, options=options)
        return self._observation, info

    def step(self, action) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Takes the action that the policy makes of a latent."""
        latents = np.clip(action, self.action_space.low, self.action_space.high)
        acted = self._policy.actions(self._observation[None], latents[None])[0]
        space = self.env.action_space
        taken = np.clip(acted.astype(space.dtype), space.low, space.high)
        self._observation, *told = self.env.step(taken)
        return self._observation, *told
