"""Steps in several environments at once, which depend on the seed and the round alone."""

from collections.abc import Callable

import gymnasium as gym
import numpy as np

from tfp_flows.errors import InputError

_SEEDS = 2**31 - 1


def vector(make: Callable[..., gym.Env], count: int) -> gym.vector.SyncVectorEnv:
    """Several environments side by side, which begin anew in the step in which they end."""
    mode = gym.vector.AutoresetMode.SAME_STEP
    return gym.vector.SyncVectorEnv([make] * count, autoreset_mode=mode)


def check_finite(name: str, step: int, **arrays) -> None:
    """Raises where rewards or observations are no numbers.

    Args:
        name: Of the environment.
        step: Which step it was.
        **arrays: ``[n, ...]``, by what they are.

    Raises:
        InputError: With step and environment.
    """
    for what, array in arrays.items():
        bad = ~np.isfinite(np.asarray(array, np.float64)).reshape(len(array), -1).all(axis=1)
        if bad.any():
            place = int(bad.argmax())
            of = f" number {place} of {len(array)}" if len(array) > 1 else ""
            raise InputError(
                f"{name}: the {what} of step {step} of environment{of or ' itself'} is NaN or "
                f"infinite, {np.asarray(array[place]).tolist()}; correct the environment."
            )


class Collector:
    """Environments in which an agent learns.

    Each round begins with a reset by a seed of its own, and draws from a generator of its own: so
    a round is the same whether the rounds before it ran in this process or in another.

    Args:
        name: Of the environment, for errors.
        make: Makes one.
        count: How many run side by side.
        size: Entries of an action's latent.
        hold: Steps for which a latent lasts before it is drawn anew; 1 draws one each step.
        seed: Of resets and draws.

    Attributes:
        observations: The current ones, ``[count, *observation]``.
        finished: Undiscounted returns of the episodes that ended in this round.
        generator: Of the draws of this round.
    """

    def __init__(
        self,
        name: str,
        make: Callable[..., gym.Env],
        count: int,
        size: int,
        *,
        hold: int,
        seed: int,
    ):
        self._name, self._count, self._size = name, count, size
        self._hold, self._seed = hold, seed
        self._envs = vector(make, count)
        self.observations, self.finished = None, []
        self.generator = np.random.default_rng(seed)

    def begin(self, number: int, step: int) -> None:
        """Begins a round.

        Args:
            number: Which one.
            step: How many steps went before, for errors.
        """
        self.generator = np.random.default_rng([self._seed, number])
        seeds = self.generator.integers(_SEEDS, size=self._count)
        self.observations, _ = self._envs.reset(seed=[int(seed) for seed in seeds])
        check_finite(self._name, step, observation=self.observations)
        self._age = np.zeros(self._count, np.int64)
        self._returns = np.zeros(self._count)
        self._latents = np.zeros((self._count, self._size))
        self._shares = np.zeros((self._count, self._size))
        self.finished = []

    def noise(self) -> tuple[np.ndarray, np.ndarray]:
        """Normal latents and uniform shares, ``[count, size]``, that last as long as asked for."""
        normal = self.generator.standard_normal((self._count, self._size))
        uniform = self.generator.random((self._count, self._size))
        new = (self._age % self._hold == 0)[:, None]
        self._latents = np.where(new, normal, self._latents)
        self._shares = np.where(new, uniform, self._shares)
        return self._latents, self._shares

    def step(self, actions: np.ndarray, number: int) -> tuple[np.ndarray, ...]:
        """One step everywhere.

        Args:
            actions: ``[count, *action]``, as the environment takes them.
            number: Which step it is, for errors.

        Returns:
            Observations before, rewards, observations after (of an episode that ended: its last)
            and whether the environment ended there, which a time limit does not.
        """
        before = self.observations
        after, rewards, ended, cut, infos = self._envs.step(actions)
        over, last = ended | cut, after
        if over.any():
            last = after.copy()
            for place in np.flatnonzero(over):
                last[place] = infos["final_obs"][place]
        check_finite(self._name, number, reward=rewards, observation=last)
        self._returns += rewards
        self.finished += self._returns[over].tolist()
        self._returns[over] = 0.0
        self._age = np.where(over, 0, self._age + 1)
        self.observations = after
        return before, rewards, last, ended

    def close(self) -> None:
        """Closes the environments."""
        self._envs.close()
