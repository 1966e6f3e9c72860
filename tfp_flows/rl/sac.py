"""Soft actor-critic, with a Gaussian or a flow as policy.

Source: Haarnoja et al. 2018, arXiv:1812.05905, Algorithm 1; flows as policies, Ward et al. 2019,
arXiv:1906.02771.
"""

import math
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.recipes import layer_seeds
from tfp_flows.rl.adam import Adam
from tfp_flows.rl.agent import Agent
from tfp_flows.rl.critics import Critic, FlowCritic
from tfp_flows.rl.policy import GAUSSIAN, FlowPolicy
from tfp_flows.rl.spaces import action_box
from tfp_flows.rl.twins import Twins
from tfp_flows.training_state import Arrays

CRITICS = {"value": Critic, "flow": FlowCritic}


class SAC(Agent):
    """Soft actor-critic: twin critics, slow copies of them, and an automatic temperature.

    Args:
        env: See `Agent`.
        policy: ``"gaussian"``, the name of a flow, or a `FlowPolicy`.
        critics: ``"value"``, or ``"flow"`` for distributions of returns.
        policy_options: Arguments of `FlowPolicy` beside its name.
        noise: ``"stochastic"`` for noise between the layers of the policy; see `FlowPolicy`.
        critic_options: Arguments of `FlowCritic` beside shapes and layers.
        temperature: Weight of the entropy, in rewards a nat; ``"auto"`` learns it.
        target_entropy: Entropy in nats that it is learned for, of actions scaled to [-1, 1]; minus
            the number of coordinates by default.
        **options: See `Agent`.

    Raises:
        InputError: If the actions are discrete or unbounded, or an argument is not known.

    Example:
        >>> agent = tff.rl.SAC("Pendulum-v1", policy="nsf")
        >>> agent.learn(10_000)
        >>> print(agent.evaluate(50))
    """

    algorithm: ClassVar[str] = "sac"
    watched: ClassVar[tuple[str, ...]] = (
        "critic_loss",
        "policy_loss",
        "entropy",
        "temperature",
    )

    def __init__(
        self,
        env: Any,
        *,
        policy: str | FlowPolicy = GAUSSIAN,
        critics: str = "value",
        policy_options: dict[str, Any] | None = None,
        noise: str | None = None,
        critic_options: dict[str, Any] | None = None,
        temperature: float | str = "auto",
        target_entropy: float | None = None,
        **options: Any,
    ):
        if critics not in CRITICS:
            raise unknown_name("kind of critics", critics, CRITICS)
        if temperature != "auto" and not (
            isinstance(temperature, int | float) and 0 < temperature < math.inf
        ):
            raise InputError(f"temperature is 'auto' or a positive number, got {temperature!r}.")
        self._policy, self._critics = policy, critics
        self._policy_options = {**(policy_options or {}), **({"noise": noise} if noise else {})}
        self._critic_options = dict(critic_options or {})
        self._temperature, self._target_entropy = temperature, target_entropy
        super().__init__(env, **options)

    def _check(self, space) -> None:
        self._low, self._high = action_box(space)
        self._action_size = len(self._low)

    def _build(self) -> None:
        seeds = layer_seeds(self._seed, 3)
        embed = self._embedding or (lambda: None)
        if isinstance(self._policy, FlowPolicy):
            self.policy = self._policy
            size = list(self.policy.flow.event_shape)
            if size != [self._action_size] or self.policy.flow.context_shape != self._shape:
                raise InputError(
                    f"The policy is of actions {size} given {self.policy.flow.context_shape}; "
                    f"{self.name} has actions [{self._action_size}] given {self._shape}."
                )
        else:
            self.policy = FlowPolicy(
                self.observation_space,
                self.action_space,
                flow=self._policy,
                hidden_units=self._hidden,
                embedding=embed(),
                seed=seeds[0],
                **self._policy_options,
            )
        self._dtype = self.policy.flow.dtype

        def critic(seed):
            return CRITICS[self._critics](
                self._shape,
                self._action_size,
                hidden_units=self._hidden,
                embedding=embed(),
                dtype=self._dtype,
                seed=seed,
                **self._critic_options,
            )

        self.twins = Twins(critic, seeds[1:], self._follow)
        half = (self._high - self._low) / 2
        self._middle = tf.constant((self._high + self._low) / 2, self._dtype)
        self._half = tf.constant(half, self._dtype)
        wanted = -self._action_size if self._target_entropy is None else self._target_entropy
        # The policy's density is in the environment's units.
        self._wanted = wanted + float(np.log(half).sum())
        learned = self._temperature == "auto"
        begin = 0.0 if learned else math.log(self._temperature)
        self._log_temperature = tf.Variable(begin, dtype=self._dtype, trainable=learned)
        self._adams = {
            "policy": Adam(self.policy.trainable_variables, self._rate),
            "critics": Adam(self.twins.trained, self._rate),
            "temperature": Adam([self._log_temperature] if learned else [], self._rate),
        }

    def _explore(self, observations):
        latents, shares = self._collector.noise()
        if self.steps < self._starts:
            actions = self._low + shares * (self._high - self._low)
        else:
            number = self._collector.generator.integers(2**31) if self.policy.stochastic else 0
            actions = self.policy.actions(observations, latents, number)
        actions = actions.astype(self.action_space.dtype)
        kept = (actions - self._middle.numpy()) / self._half.numpy()
        return actions, kept

    def act(self, observations, *, deterministic: bool = True, seed: int = 0) -> np.ndarray:
        """Actions ``[n, D]`` in the environment's units: of the central latent, or drawn."""
        latents = np.zeros((len(observations), self._action_size))
        if not deterministic:
            latents = np.random.default_rng(seed).standard_normal(latents.shape)
        number = None if deterministic else seed
        return self.policy.actions(observations, latents, number).astype(self.action_space.dtype)

    @property
    def temperature(self) -> float:
        """Weight of the entropy, in rewards a nat."""
        return math.exp(float(self._log_temperature.numpy()))

    def _update(self, batch, number):
        observations, actions, rewards, following, ended = batch
        seeds = [self._seed_of(number, draw) for draw in range(4)]
        weight = tf.exp(self._log_temperature)
        later, log_later, _ = self.policy.sample(following, seeds[0])
        values = self.twins.draws(following, self._scaled(later), seeds[1])
        worth = values - weight * log_later[:, tf.newaxis]
        go_on = self._discount * (1 - ended)
        targets = rewards[:, tf.newaxis] + go_on[:, tf.newaxis] * worth
        with tf.GradientTape() as tape:
            critic_loss = self.twins.loss(
                observations, actions, tf.stop_gradient(targets), seeds[2]
            )
        self._step("critics", tape, critic_loss, self.twins.trained)
        variables = self.policy.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            drawn, log_prob, _ = self.policy.sample(observations, seeds[3])
            value = self.twins.value(observations, self._scaled(drawn))
            policy_loss = tf.reduce_mean(weight * log_prob - value)
        self._step("policy", tape, policy_loss, variables)
        entropy = -tf.reduce_mean(log_prob)
        if self._temperature == "auto":
            # Derivative of log_temperature * (entropy - wanted).
            self._adams["temperature"].apply([entropy - self._wanted])
        self.twins.follow()
        return {
            "critic_loss": critic_loss,
            "policy_loss": policy_loss,
            "entropy": entropy,
            "temperature": weight,
        }

    def _step(self, name, tape, loss, variables):
        none = tf.UnconnectedGradients.ZERO
        self._adams[name].apply(tape.gradient(loss, variables, unconnected_gradients=none))

    def _scaled(self, actions):
        return (actions - self._middle) / self._half

    @property
    def flow(self):
        """What is saved and acts: the flow of the policy."""
        return self.policy.flow

    def state(self) -> Arrays:
        """See `Agent.state`."""
        arrays = super().state() | self.twins.state()
        arrays["weight"] = [v.numpy() for v in self.policy.flow.variables]
        arrays["temperature"] = [self._log_temperature.numpy()]
        for name, adam in self._adams.items():
            arrays |= adam.state(name)
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """See `Agent.restore`."""
        super().restore(arrays)
        for variable, value in zip(self.policy.flow.variables, arrays["weight"], strict=True):
            variable.assign(value)
        if "about" in arrays:
            self.twins.restore(arrays)
            self._log_temperature.assign(arrays["temperature"][0])
            for name, adam in self._adams.items():
                adam.restore(name, arrays)

    def start_from(self, other: "SAC", *, policy: bool = True, critics: bool = True) -> None:
        """Begins with what another agent has learned, of an environment that has changed since.

        Weights are copied; memory, moments of Adam and the temperature begin anew.

        Args:
            other: An agent whose networks are of the same shapes.
            policy: Whether its policy is taken.
            critics: Whether its critics are taken.

        Raises:
            InputError: If the networks differ, or neither is to be taken.
        """
        if not (policy or critics):
            raise InputError("Nothing would be taken over; leave policy or critics True.")
        pairs = []
        if policy:
            pairs.append((self.policy.flow.variables, other.policy.flow.variables))
        if critics:
            pairs.append((self.twins.variables, other.twins.variables))
        for mine, theirs in pairs:
            if [v.shape for v in mine] != [v.shape for v in theirs]:
                raise InputError(
                    f"The agent of {other.name} has other networks than that of {self.name}; "
                    "make both with the same policy, critics and hidden_units."
                )
        for mine, theirs in pairs:
            for variable, value in zip(mine, theirs, strict=True):
                variable.assign(value)

    def _about(self):
        return super()._about() | {"policy": self.policy.name, "critics": self._critics}
