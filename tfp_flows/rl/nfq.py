"""Q-learning whose values are flows: the distribution of the return of each discrete action.

Sources: Bellemare et al. 2017, arXiv:1707.06887; double learning, van Hasselt et al. 2016,
arXiv:1509.06461.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows.recipes import layer_seeds
from tfp_flows.rl.adam import Adam
from tfp_flows.rl.agent import Agent
from tfp_flows.rl.critics import FlowCritic
from tfp_flows.rl.spaces import number_of_actions
from tfp_flows.training_state import Arrays


@dataclasses.dataclass(frozen=True)
class Exploring:
    """Share of random actions: from ``first`` to ``last`` along a straight line of ``steps``."""

    first: float = 1.0
    last: float = 0.05
    steps: int = 5000

    def share(self, step: int) -> float:
        """The share at a step."""
        return self.first + min(1.0, step / self.steps) * (self.last - self.first)


def greedy(critic: FlowCritic, observations, actions: int, worst: float) -> tf.Tensor:
    """The actions ``[n]`` with the best mean of the ``worst`` share of returns."""
    return tf.argmax(action_values(critic, observations, actions, worst), axis=1)


def action_values(critic: FlowCritic, observations, actions: int, worst: float) -> tf.Tensor:
    """Means of the ``worst`` share of returns, ``[n, actions]``."""
    count = tf.shape(observations)[0]
    hot = tf.tile(tf.eye(actions, dtype=critic.flow.dtype), [count, 1])
    repeated = tf.repeat(observations, actions, axis=0)
    return tf.reshape(critic.tail_mean(repeated, hot, worst), [count, actions])


class NFQ(Agent):
    """Learns a flow over returns for each of a few actions, all from one network.

    Args:
        env: See `Agent`; its actions are discrete.
        worst: Share of the worst returns by whose mean actions are chosen: 1 for the mean, less to
            be wary of risk (conditional value at risk).
        exploring: Share of random actions.
        critic_options: Arguments of `FlowCritic` beside shapes and layers.
        **options: See `Agent`; ``learning_rate`` is 5e-4 and ``follow`` 0.01 by default.

    Attributes:
        critic: The `FlowCritic`; actions are one-hot.

    Raises:
        InputError: If the actions are continuous, or a share is out of range.

    Example:
        >>> agent = tff.rl.NFQ("CartPole-v1")
        >>> agent.learn(30_000)
        >>> agent.quantiles(observations, [0.1, 0.5, 0.9])      # [n, actions, 3]
    """

    algorithm: ClassVar[str] = "nfq"

    def __init__(
        self,
        env: Any,
        *,
        worst: float = 1.0,
        exploring: Exploring = Exploring(),
        critic_options: dict[str, Any] | None = None,
        **options: Any,
    ):
        if not 0 < worst <= 1:
            raise InputError(f"worst is a share of returns in (0, 1], got {worst!r}.")
        self._worst, self._exploring = worst, exploring
        self._critic_options = dict(critic_options or {})
        super().__init__(env, **({"learning_rate": 5e-4, "follow": 0.01} | options))

    def _check(self, space) -> None:
        self._action_size = number_of_actions(space)

    def _build(self) -> None:
        (seed,) = layer_seeds(self._seed, 1)

        def critic():
            return FlowCritic(
                self._shape,
                self._action_size,
                hidden_units=self._hidden,
                embedding=None if self._embedding is None else self._embedding(),
                seed=seed,
                **self._critic_options,
            )

        self.critic, self._copy = critic(), critic()
        self._dtype = self.critic.flow.dtype
        self._adam = Adam(self.critic.trainable_variables, self._rate)
        self._choose = tf.function(
            lambda seen: greedy(self.critic, seen, self._action_size, self._worst),
            autograph=False,
            reduce_retracing=True,
        )

    def _explore(self, observations):
        _, shares = self._collector.noise()
        generator = self._collector.generator
        chosen = shares[:, :1].squeeze(-1) * self._action_size
        by_chance = generator.random(len(chosen)) < self._exploring.share(self.steps)
        actions = chosen.astype(np.int64)
        if self.steps >= self._starts and not by_chance.all():
            actions = np.where(by_chance, actions, self.act(observations))
        return actions, np.eye(self._action_size, dtype=np.float32)[actions]

    def act(self, observations, *, deterministic: bool = True, seed: int = 0) -> np.ndarray:
        """Actions ``[n]``, best by what is known; by chance at times if not deterministic."""
        chosen = self._choose(tf.constant(observations, self._dtype)).numpy()
        if deterministic:
            return chosen
        generator = np.random.default_rng(seed)
        by_chance = generator.random(len(chosen)) < self._exploring.last
        return np.where(by_chance, generator.integers(self._action_size, size=len(chosen)), chosen)

    def quantiles(self, observations, levels: Sequence[float]) -> np.ndarray:
        """Returns below which the shares ``levels`` lie, ``[n, actions, k]``."""
        observations = tf.constant(observations, self._dtype)
        hot = tf.tile(tf.eye(self._action_size, dtype=self._dtype), [len(observations), 1])
        repeated = tf.repeat(observations, self._action_size, axis=0)
        found = self.critic.quantiles(repeated, hot, tf.constant(levels, self._dtype)).numpy()
        return found.reshape(len(observations), self._action_size, -1)

    def learn_from(
        self, observations, actions, rewards, following, ended, *, updates: int
    ) -> dict[str, float]:
        """Learns from a fixed set of transitions, without a step in an environment.

        Args:
            observations: ``[n, *observation]``.
            actions: ``[n]``, numbers of actions.
            rewards: ``[n]``.
            following: ``[n, *observation]``.
            ended: ``[n]``, whether the environment ended there.
            updates: Gradient steps.

        Returns:
            Means of what they tell.

        Raises:
            InputError: If an action is none, or a number is NaN.
        """
        actions = np.asarray(actions)
        if not np.isin(actions, np.arange(self._action_size)).all():
            raise InputError(f"Actions are whole numbers from 0 to {self._action_size - 1}.")
        for what, array in {"observations": observations, "rewards": rewards}.items():
            if not np.isfinite(np.asarray(array, np.float64)).all():
                raise InputError(f"The {what} hold NaN or infinity; drop those transitions.")
        hot = np.eye(self._action_size, dtype=np.float32)[actions.astype(np.int64)]
        self.buffer.add(observations, hot, rewards, following, ended)
        sums: dict[str, float] = {}
        for _ in range(updates):
            for name, value in self._learn(1).items():
                sums[name] = sums.get(name, 0.0) + value / updates
        return sums

    def _update(self, batch, number):
        observations, actions, rewards, following, ended = batch
        best = greedy(self.critic, following, self._action_size, self._worst)
        hot = tf.one_hot(best, self._action_size, dtype=self._dtype)
        _, draws = self._copy.mean_and_draws(following, hot, self._seed_of(number, 0))
        go_on = self._discount * (1 - ended)
        targets = rewards[:, tf.newaxis] + go_on[:, tf.newaxis] * draws
        variables = self.critic.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.critic.loss(
                observations, actions, tf.stop_gradient(targets), self._seed_of(number, 1)
            )
        none = tf.UnconnectedGradients.ZERO
        self._adam.apply(tape.gradient(loss, variables, unconnected_gradients=none))
        for one, other in zip(self.critic.variables, self._copy.variables, strict=True):
            other.assign_add(self._follow * (one - other))
        return {"critic_loss": loss}

    @property
    def flow(self):
        """What is saved and acts: the flow of the critic."""
        return self.critic.flow

    def _facts(self):
        return super()._facts() | {"actions": self._action_size, "worst": self._worst}

    def state(self) -> Arrays:
        """See `Agent.state`."""
        arrays = super().state() | self._adam.state("adam")
        arrays["weight"] = [v.numpy() for v in self.critic.flow.variables]
        arrays["copy"] = [v.numpy() for v in self._copy.flow.variables]
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """See `Agent.restore`."""
        super().restore(arrays)
        for variable, value in zip(self.critic.flow.variables, arrays["weight"], strict=True):
            variable.assign(value)
        if "about" in arrays:
            for variable, value in zip(self._copy.flow.variables, arrays["copy"], strict=True):
                variable.assign(value)
            self._adam.restore("adam", arrays)
