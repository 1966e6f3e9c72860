"""The memory of transitions."""

import numpy as np

from tfp_flows.errors import InputError

FIELDS = ("observations", "actions", "rewards", "following", "ended")


class ReplayBuffer:
    """Transitions in NumPy arrays; the oldest make room for the newest.

    Args:
        capacity: Most transitions.
        observation_shape: Shape of an observation.
        action_shape: Shape of an action.
        observation_dtype: Dtype of observations, ``uint8`` for images.

    Attributes:
        capacity: As given.
        size: How many there are.

    Raises:
        InputError: If the capacity is not positive.
    """

    def __init__(
        self,
        capacity: int,
        observation_shape: tuple[int, ...],
        action_shape: tuple[int, ...],
        observation_dtype=np.float32,
    ):
        if capacity < 1:
            raise InputError(f"A buffer holds at least one transition, got capacity {capacity}.")
        self.capacity, self.size, self._next = int(capacity), 0, 0
        shapes = (observation_shape, action_shape, (), observation_shape, ())
        kinds = (observation_dtype, np.float32, np.float32, observation_dtype, np.float32)
        self._arrays = {
            name: np.zeros((self.capacity, *shape), kind)
            for name, shape, kind in zip(FIELDS, shapes, kinds, strict=True)
        }

    def __len__(self):
        return self.size

    def add(self, observations, actions, rewards, following, ended) -> None:
        """Adds transitions.

        Args:
            observations: ``[n, *observation]``.
            actions: ``[n, *action]``.
            rewards: ``[n]``.
            following: The next observations ``[n, *observation]``.
            ended: ``[n]``, whether the environment ended there (a time limit is no end).
        """
        rewards = np.asarray(rewards)
        for start in range(0, len(rewards), self.capacity):
            part = slice(start, start + self.capacity)
            count = len(rewards[part])
            places = (self._next + np.arange(count)) % self.capacity
            given = (observations, actions, rewards, following, ended)
            for name, value in zip(FIELDS, given, strict=True):
                self._arrays[name][places] = np.asarray(value)[part]
            self._next = int((self._next + count) % self.capacity)
            self.size = min(self.capacity, self.size + count)

    def sample(self, generator: np.random.Generator, *shape: int) -> tuple[np.ndarray, ...]:
        """Draws transitions with equal chances, with replacement.

        Returns:
            Arrays ``[*shape, ...]`` in the order of `add`.
        """
        places = generator.integers(self.size, size=shape)
        return tuple(self._arrays[name][places] for name in FIELDS)

    def all(self) -> tuple[np.ndarray, ...]:
        """All transitions, in the order of their places."""
        return tuple(self._arrays[name][: self.size] for name in FIELDS)

    def state(self) -> list[np.ndarray]:
        """What it holds, and where the next one goes."""
        return [*(array.copy() for array in self.all()), np.array([self._next])]

    def restore(self, arrays: list[np.ndarray]) -> None:
        """Puts back what `state` returned.

        Raises:
            InputError: If it does not fit.
        """
        *values, following = arrays
        size = len(values[0])
        for name, value in zip(FIELDS, values, strict=True):
            if size > self.capacity or value.shape[1:] != self._arrays[name].shape[1:]:
                raise InputError(
                    f"The kept transitions have {name} {value.shape}, the buffer holds "
                    f"{self._arrays[name].shape}; they are of another environment or buffer size."
                )
            self._arrays[name][:size] = value
        self.size, self._next = size, int(following[0])
