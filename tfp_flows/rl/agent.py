"""What all agents share: rounds of steps, memory, evaluation, and checkpoints."""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel
from tfp_flows.rl.buffer import ReplayBuffer
from tfp_flows.rl.collecting import Collector
from tfp_flows.rl.evaluation import Evaluation, evaluate
from tfp_flows.rl.keeping import Kept
from tfp_flows.rl.numbers import check_rates, check_shares, check_whole
from tfp_flows.rl.registration import environment
from tfp_flows.rl.spaces import observation_shape


class Diverged(InputError):
    """A loss is no longer a finite number."""


class Agent(Kept):
    """Learns in rounds of so many steps, off-policy, from a memory of transitions.

    Each round begins with a reset of the environments, and what is drawn in it depends on the seed
    and its number alone. A killed run therefore goes on bit by bit as it would have, from what
    `state` returned after any round, whatever the environment keeps inside. An episode that a
    round cuts off counts as one at its time limit.

    Args:
        env: A name that Gymnasium knows, a function that makes an environment, or one made by name.
        num_envs: Environments side by side.
        round_steps: Steps of a round, over all environments.
        batch_size: Transitions of a gradient step.
        buffer_size: Most transitions that are kept.
        learning_starts: Steps by chance alone before learning begins.
        updates_per_step: Gradient steps for each step.
        learning_rate: Of Adam.
        discount: Of rewards, by step.
        follow: Share of the way to the critics that their slow copies go in a step.
        hidden_units: Layers of all networks that look at observations.
        embedding: A function that makes a network from observations to vectors, called once for
            each network that looks at them; images need one.
        hold: Steps for which a random draw of exploring lasts; more than 1 where single steps
            cancel out and get nowhere.
        compiled: Whether gradient steps are compiled by XLA.
        seed: Of all that is random.

    Attributes:
        name: Of the environment.
        steps: Steps taken; ``updates``, gradient steps; ``rounds``, rounds.
        buffer: The `ReplayBuffer`.

    Raises:
        InputError: If the environment is not known, its spaces do not fit, or a number is out of
            range.
    """

    watched: ClassVar[tuple[str, ...]] = ("critic_loss",)
    """What a gradient step tells."""

    def __init__(
        self,
        env: Any,
        *,
        num_envs: int = 1,
        round_steps: int = 1000,
        batch_size: int = 256,
        buffer_size: int = 1_000_000,
        learning_starts: int = 500,
        updates_per_step: float = 1.0,
        learning_rate: float = 1e-3,
        discount: float = 0.99,
        follow: float = 0.005,
        hidden_units: tuple[int, ...] = (256, 256),
        embedding: Callable[[], Any] | None = None,
        hold: int = 1,
        compiled: bool = False,
        seed: int = 0,
    ):
        whole = {"num_envs": num_envs, "round_steps": round_steps, "batch_size": batch_size}
        check_whole(whole | {"hold": hold, "learning_starts": learning_starts})
        check_shares({"discount": discount, "follow": follow})
        check_rates(learning_rate, updates_per_step, round_steps, num_envs)
        embedded = embedding is not None
        self.name, self._make = environment(env, embedded=embedded)
        self._embedding, self._embedded = embedding, embedded
        probe = self._make()
        self.observation_space, self.action_space = probe.observation_space, probe.action_space
        probe.close()
        self._shape = observation_shape(self.observation_space, embedded=embedded)
        self._check(self.action_space)
        self._num_envs, self._round_steps, self._batch_size = num_envs, round_steps, batch_size
        self._starts, self._updates = learning_starts, int(updates_per_step * num_envs)
        self._rate, self._discount, self._follow = learning_rate, discount, follow
        self._hidden, self._seed = tuple(hidden_units), seed
        self.steps, self.updates, self.rounds = 0, 0, 0
        image = self.observation_space.dtype == np.uint8
        self.buffer = ReplayBuffer(
            buffer_size, self._shape, (self._action_size,), np.uint8 if image else np.float32
        )
        self._collector = Collector(
            self.name, self._make, num_envs, self._action_size, hold=hold, seed=seed
        )
        self._build()
        self._train = tf.function(self._several, jit_compile=compiled, autograph=False)

    # What an algorithm writes.

    def _check(self, space: gym.Space) -> None:
        """Raises where the actions do not fit, and sets ``_action_size``."""
        raise NotImplementedError

    def _build(self) -> None:
        """Makes networks and optimizers."""
        raise NotImplementedError

    def _explore(self, observations) -> tuple[np.ndarray, np.ndarray]:
        """Actions as the environment takes them, and as the memory keeps them."""
        raise NotImplementedError

    def _update(self, batch: tuple[tf.Tensor, ...], number: tf.Tensor) -> dict[str, tf.Tensor]:
        """One gradient step."""
        raise NotImplementedError

    @property
    def flow(self) -> Flow:
        """What is saved and acts."""
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """What the saved model must know beside the flow."""
        return {"algorithm": self.algorithm}

    def act(self, observations, *, deterministic: bool = True, seed: int = 0) -> np.ndarray:
        """Actions as the environment takes them, for observations ``[n, *observation]``."""
        raise NotImplementedError

    # What all have.

    def round(self) -> dict[str, float]:
        """Takes the steps of one round and learns from them.

        Returns:
            ``return`` (mean of the episodes that ended, NaN if none did), losses and what else
            there is to watch, and ``steps``.

        Raises:
            InputError: If a reward or an observation is NaN.
            Diverged: If a loss is no longer finite.
        """
        self._collector.begin(self.rounds, self.steps)
        sums: dict[str, float] = {}
        calls = 0
        for _ in range(self._round_steps // self._num_envs):
            given, kept = self._explore(self._collector.observations)
            before, rewards, after, ended = self._collector.step(given, self.steps)
            self.buffer.add(before, kept, rewards, after, ended)
            self.steps += self._num_envs
            if self._updates and self.steps >= self._starts:
                for name, value in self._learn(self._updates).items():
                    sums[name] = sums.get(name, 0.0) + value
                calls += 1
        self.rounds += 1
        finished = self._collector.finished
        logs = {"return": float(np.mean(finished)) if finished else math.nan}
        return logs | {name: s / calls for name, s in sums.items()} | {"steps": float(self.steps)}

    def _learn(self, updates: int) -> dict[str, float]:
        batches = self.buffer.sample(self._collector.generator, updates, self._batch_size)
        logs = self._train(batches, tf.constant(self.updates, tf.int64))
        self.updates += updates
        found = {name: float(value) for name, value in logs.items()}
        if not all(map(math.isfinite, found.values())):
            raise Diverged(
                f"Training on {self.name} diverged at gradient step {self.updates:,}; lower the "
                "learning rate, or look for extreme rewards."
            )
        return found

    def _several(self, batches, first):
        """The updates of stacked batches, one after another; means of what they tell."""
        count = batches[0].shape[0]
        batches = [tf.cast(b, self._dtype) if b.dtype != tf.uint8 else b for b in batches]

        def one(i, totals):
            told = self._update(tuple(b[i] for b in batches), first + tf.cast(i, first.dtype))
            return i + 1, [total + told[n] for total, n in zip(totals, self.watched, strict=True)]

        # A loop, as graphs of flows take long to trace and compile.
        state = tf.constant(0), [tf.zeros([], self._dtype) for _ in self.watched]
        _, totals = tf.while_loop(lambda i, _: i < count, one, state)
        return {n: total / count for n, total in zip(self.watched, totals, strict=True)}

    def _seed_of(self, number, draw: int):
        """The seed of a draw of a gradient step."""
        return tf.stack([tf.constant(self._seed, tf.int64), 8 * number + draw])

    def learn(
        self, steps: int, *, report: Callable[[Mapping[str, float]], None] | None = None
    ) -> dict[str, list[float]]:
        """Learns until so many steps were taken in all, rounded up to whole rounds.

        Args:
            steps: How many, those already taken included.
            report: Is told what `round` returns, after each.

        Returns:
            By name, what `round` returned, one value a round.
        """
        history: dict[str, list[float]] = {}
        while self.steps < steps:
            logs = self.round()
            if report is not None:
                report(logs)
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
        return history

    def evaluate(
        self, episodes: int = 50, *, deterministic: bool = True, seed: int = 1_000_000
    ) -> Evaluation:
        """Whole episodes in environments of their own.

        Args:
            episodes: How many, each from another start state.
            deterministic: Whether actions are drawn or not.
            seed: Of start states and draws.
        """

        def act(observations, step):
            return self.act(observations, deterministic=deterministic, seed=seed + step)

        return evaluate(act, self._make, episodes, seed=seed, embedded=self._embedded)

    def model(self) -> FlowModel:
        """What acts, as a model: ``save(path)`` writes it, `tfp_flows.load` reads it.

        It shares the weights of the agent.
        """
        from tfp_flows.rl.saving import AgentModel

        return AgentModel(self.flow, self._facts())

    def close(self) -> None:
        """Closes the environments."""
        self._collector.close()
