"""Two critics and their slow copies, which keep values from being too good to be true."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_flows.training_state import Arrays


class Twins(tf.Module):
    """Two critics, each with a copy that follows slowly.

    Source: Fujimoto et al. 2018, arXiv:1802.09477, sections 4.2 and 5. Of distributions the one
    with the lower mean is taken.

    Args:
        make: Makes a critic (`Critic`, `FlowCritic`) of a seed.
        seeds: Of the two.
        share: Of the way to the critics that the copies go in a step.
    """

    def __init__(self, make: Callable[[int], Any], seeds: list[int], share: float):
        super().__init__(name="twins")
        self.critics = [make(seed) for seed in seeds]
        self.copies = [make(seed) for seed in seeds]
        self._share = float(share)
        self.follow(1.0)

    @property
    def trained(self) -> list[tf.Variable]:
        """What training changes: the critics, not the copies."""
        return [v for critic in self.critics for v in critic.trainable_variables]

    def value(self, observations, actions) -> tf.Tensor:
        """The lower of the two means, ``[n]``."""
        return tf.minimum(*(critic.mean(observations, actions) for critic in self.critics))

    def draws(self, observations, actions, seed) -> tf.Tensor:
        """Draws of the return ``[n, k]`` by the copy with the lower mean."""
        found = [copy.mean_and_draws(observations, actions, seed) for copy in self.copies]
        (one, first), (two, second) = found
        return tf.where((one <= two)[:, tf.newaxis], first, second)

    def loss(self, observations, actions, targets, seed) -> tf.Tensor:
        """Sum of both losses."""
        return tf.add_n(
            [critic.loss(observations, actions, targets, seed) for critic in self.critics]
        )

    def follow(self, share: float | None = None) -> None:
        """Moves the copies towards the critics."""
        share = self._share if share is None else share
        for critic, copy in zip(self.critics, self.copies, strict=True):
            for one, other in zip(critic.variables, copy.variables, strict=True):
                if one.dtype.is_floating:
                    other.assign_add(share * (one - other))

    def state(self) -> Arrays:
        """All variables."""
        return {
            "critic": [v.numpy() for critic in self.critics for v in critic.variables],
            "copy": [v.numpy() for copy in self.copies for v in copy.variables],
        }

    def restore(self, arrays: Arrays) -> None:
        """Puts them back."""
        for name, held in (("critic", self.critics), ("copy", self.copies)):
            variables = [v for one in held for v in one.variables]
            for variable, value in zip(variables, arrays[name], strict=True):
                variable.assign(value)
