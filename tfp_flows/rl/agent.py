"""What all agents share: rounds of steps, memory, evaluation, and checkpoints."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.rl.buffer import ReplayBuffer
from tfp_flows.rl.collecting import Collector
from tfp_flows.rl.evaluation import Evaluation, evaluate
from tfp_flows.rl.registration import environment
from tfp_flows.rl.spaces import observation_shape
from tfp_flows.training_state import Arrays, TrainingState


class Agent:
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

    algorithm: ClassVar[str] = ""

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
        for what, value in (whole | {"hold": hold, "learning_starts": learning_starts}).items():
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{what} is a whole number of at least 1, got {value!r}.")
        shares = {"discount": discount, "follow": follow}
        for what, value in shares.items():
            if not 0 < value <= 1:
                raise InputError(f"{what} is a share in (0, 1], got {value!r}.")
        if not 0 < learning_rate < math.inf:
            raise InputError(f"learning_rate is a positive number, got {learning_rate!r}.")
        if round_steps % num_envs:
            raise InputError(
                f"A round of {round_steps} steps cannot be split over {num_envs} environments; "
                "choose round_steps as a multiple of num_envs."
            )
        if updates_per_step < 0 or not float(updates_per_step * num_envs).is_integer():
            raise InputError(
                f"updates_per_step is {updates_per_step!r}; times {num_envs} environments it must "
                "be a whole number."
            )
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

    def act(self, observations, *, deterministic: bool = True, seed: int = 0) -> np.ndarray:
        """Actions as the environment takes them, for observations ``[n, *observation]``."""
        raise NotImplementedError

    def state(self) -> Arrays:
        """All that learning changes, in named groups; ``weight`` is what acts."""
        about = json.dumps(self._about())
        return {
            "about": [np.array(about)],
            "counter": [np.array([self.steps, self.updates, self.rounds])],
            "buffer": self.buffer.state(),
        }

    def restore(self, arrays: Arrays) -> None:
        """Puts groups back that `state` returned; ``weight`` alone, if there is nothing else.

        Raises:
            InputError: If they are of another environment or agent.
        """
        if "about" not in arrays:
            return
        kept, own = json.loads(str(arrays["about"][0])), self._about()
        for what, value in own.items():
            if kept.get(what) != value:
                raise InputError(
                    f"The checkpoint is of {what} {kept.get(what)}, the agent of {value}; make the "
                    "agent as it was, or begin anew."
                )
        self.steps, self.updates, self.rounds = (int(n) for n in arrays["counter"][0])
        self.buffer.restore(arrays["buffer"])

    # What all have.

    def round(self) -> dict[str, float]:
        """Takes the steps of one round and learns from them.

        Returns:
            ``return`` (mean of the episodes that ended, NaN if none did), losses and what else
            there is to watch, and ``steps``.

        Raises:
            InputError: If a reward or an observation is NaN, or training diverges.
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
            raise InputError(
                f"Training on {self.name} diverged at gradient step {self.updates:,}; lower the "
                "learning rate, or look for extreme rewards."
            )
        return found

    def _several(self, batches, first):
        """The updates of stacked batches, one after another; means of what they tell."""
        count = batches[0].shape[0]
        batches = [tf.cast(b, self._dtype) if b.dtype != tf.uint8 else b for b in batches]
        logs: dict[str, list[tf.Tensor]] = {}
        for i in range(count):
            for name, value in self._update(tuple(b[i] for b in batches), first + i).items():
                logs.setdefault(name, []).append(value)
        return {name: tf.add_n(values) / count for name, values in logs.items()}

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

    def save(self, path) -> None:
        """Writes a checkpoint, ``.npz``: weights, optimizers, memory and counters.

        Raises:
            InputError: If it cannot be written.
        """
        TrainingState(path, kind="agents", seed=self._seed).save(self.state)

    def load(self, path) -> None:
        """Goes on from what `save` wrote.

        Raises:
            InputError: If there is no such file, or it is of another environment, agent or seed.
        """
        arrays = TrainingState(path, kind="agents", seed=self._seed).load()
        if arrays is None:
            raise InputError(f"There is no checkpoint {path}; give what save wrote.")
        try:
            self.restore(arrays)
        except (KeyError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path} is of an agent with other networks; make the agent as it was."
            ) from error

    def close(self) -> None:
        """Closes the environments."""
        self._collector.close()

    def _about(self) -> dict[str, Any]:
        return {
            "environment": self.name,
            "algorithm": self.algorithm,
            "observations": list(self._shape),
            "actions": self._action_size,
        }
