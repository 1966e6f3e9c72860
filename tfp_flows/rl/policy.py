"""Policies: conditional flows over a box of actions, given an observation.

Sources: Ward et al. 2019, arXiv:1906.02771; Mazoure et al. 2019, arXiv:1905.06893.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows import noise
from tfp_flows.bijectors import Chain
from tfp_flows.errors import InputError, remark, unknown_name
from tfp_flows.flows import Flow
from tfp_flows.flows.building import build
from tfp_flows.flows.catalogue import POLICIES, RECIPES
from tfp_flows.flows.recipes import layer_seeds, standard_normal
from tfp_flows.rl.heads import ActionBox, ContextHead, Noised
from tfp_flows.rl.spaces import action_box, observation_shape
from tfp_flows.rl.trunk import Trunk, features

GAUSSIAN = "gaussian"
STOCHASTIC = "stochastic"
# Layers between two of noise, so that couplings move all entries.
_BLOCK = 2
_SPLINES = "nsf"


class FlowPolicy:
    """``a = box(mean(s) + scale(s) * f(z; s))`` with ``z`` standard normal and ``f`` a flow.

    With no layers in ``f`` it is the Gaussian policy of soft actor-critic, squashed by tanh; every
    other line is shared. `flow` is an ordinary conditional `Flow` of this package: saved, loaded
    and evaluated as all are.

    Args:
        observation: Observation space, or the size of an observation.
        action_space: A bounded ``gymnasium.spaces.Box`` of rank 1.
        flow: ``"gaussian"``, a recipe whose samples take one pass (`POLICIES`), or None for the
            Gaussian.
        num_layers: Layers of ``f``; 4 by default, and 1 for actions of one entry.
        flow_hidden: Hidden layers of its conditioners; splines of one entry have none.
        flow_options: Further arguments of the recipe.
        noise: ``"stochastic"`` adds noise after every second layer of ``f`` (Mazoure et al.), or
            None. The log-density of a draw is then that given the noise, and the mean of its
            negative a lower bound of the entropy.
        hidden_units: Layers of the network that looks at observations.
        embedding: A network of your own in its place, from observations to vectors; images need
            one. A Keras model or a callable `tf.Module`.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.

    Attributes:
        flow: Over actions ``[..., D]`` in the units of the environment, given observations.
        name: Name of ``f``.

    Raises:
        InputError: If the actions are discrete or unbounded, the observations images without an
            embedding, or the flow is not known.
    """

    def __init__(
        self,
        observation: Any,
        action_space: Any,
        *,
        flow: str | None = "realnvp",
        num_layers: int | None = None,
        flow_hidden: Sequence[int] = (64,),
        flow_options: Mapping[str, Any] | None = None,
        noise: str | None = None,
        hidden_units: Sequence[int] = (256, 256),
        embedding: Any = None,
        dtype=tf.float32,
        seed: int | None = None,
    ):
        low, high = action_box(action_space)
        shape = observation_shape(observation, embedded=embedding is not None)
        self.name = flow or GAUSSIAN
        seeds = layer_seeds(seed, 3)
        if embedding is None:
            embedding = Trunk(
                input_size=shape[0], hidden_units=hidden_units, dtype=dtype, seed=seeds[0]
            )
        size = features(embedding, shape, dtype)
        head = ContextHead(event_shape=len(low), context_shape=size, dtype=dtype, seed=seeds[1])
        if noise not in (None, STOCHASTIC):
            raise unknown_name("noise", noise, (STOCHASTIC,))
        layers = _layers(
            self.name,
            len(low),
            dict(flow_options or {}),
            context_shape=(size,),
            num_layers=num_layers or (4 if len(low) > 1 or noise else 1),
            noisy=noise is not None,
            hidden_units=tuple(flow_hidden),
            dtype=dtype,
            seed=seeds[2],
        )
        self._bijector = Chain([ActionBox(low=low, high=high, dtype=dtype), head, *layers])
        self._embedding = embedding
        self.flow = Flow(
            standard_normal(len(low), dtype),
            self._bijector,
            embedding=embedding,
            context_shape=shape,
            name=f"{self.name}_policy",
        )

    @classmethod
    def of(cls, flow: Flow) -> "FlowPolicy":
        """The policy of a flow that a policy was once made of, as from a file."""
        policy = cls.__new__(cls)
        policy.flow, policy._bijector = flow, flow.bijector
        policy._embedding = flow.embedding
        policy.name = flow.name.removesuffix("_policy")
        return policy

    @property
    def size(self) -> int:
        """Number of coordinates of an action."""
        return int(self.flow.event_shape[0])

    @property
    def trainable_variables(self) -> tuple[tf.Variable, ...]:
        """What training changes."""
        return self.flow.trainable_variables

    @property
    def stochastic(self) -> bool:
        """Whether there is noise between layers."""
        return any(isinstance(layer, Noised) for layer in self._bijector.bijectors)

    def act(self, observations, latents, seed=None) -> tuple[tf.Tensor, tf.Tensor]:
        """Actions of given latents, with their log-probability.

        The density comes from the latents, never from the action, which is rounded at the bounds.

        Args:
            observations: ``[n, *observation]``.
            latents: ``[n, D]``.
            seed: Of the noise between layers, a pair; without it there is none.

        Returns:
            Actions ``[n, D]``, and their log-densities ``[n]`` in nats, by the environment's units.
        """
        context = self.flow.cast_context(observations)
        latents = tf.convert_to_tensor(latents, self.flow.dtype)
        seen = self._embedding(context)
        if seed is None or not self.stochastic:
            actions, log_det = self._bijector.forward_and_log_det(latents, seen)
        else:
            with noise.seeded(seed[0], seed[1]):
                actions, log_det = self._bijector.forward_and_log_det(latents, seen, training=True)
        return actions, self.flow.distribution.log_prob(latents) - log_det

    @functools.cached_property
    def _acting(self):
        # One for all who act by this policy.
        return tf.function(self.act, autograph=False, reduce_retracing=True)

    def actions(self, observations, latents, number: int | None = None) -> np.ndarray:
        """`act` for arrays: actions ``[n, D]``; a number seeds the noise, None stands for none."""
        seen = tf.constant(observations, tf.as_dtype(self.flow.context_dtype))
        seed = None if number is None else tf.constant([number, 0], tf.int64)
        return self._acting(seen, tf.constant(latents, self.flow.dtype), seed)[0].numpy()

    def sample(self, observations, seed) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Draws an action for each observation.

        Args:
            observations: ``[n, *observation]``.
            seed: A pair, as stateless draws take it.

        Returns:
            Actions ``[n, D]``, log-densities ``[n]`` and the latents ``[n, D]``.
        """
        count = tf.shape(observations)[0]
        latents = tf.random.stateless_normal([count, self.size], seed, dtype=self.flow.dtype)
        return *self.act(observations, latents, seed), latents

    def mode(self, observations) -> tf.Tensor:
        """The deterministic action ``[n, D]``: that of the latent at the centre."""
        zeros = tf.zeros([tf.shape(observations)[0], self.size], self.flow.dtype)
        return self.act(observations, zeros)[0]

    def log_prob(self, actions, observations) -> tf.Tensor:
        """Log-density in nats of actions from elsewhere, ``[n]``; finite at the bounds too.

        Raises:
            InputError: If there is noise between layers, which leaves no closed density.
        """
        if self.stochastic:
            raise InputError(
                "A policy with noise between its layers has no closed density; sample tells that "
                "of a draw given its noise."
            )
        return self.flow.log_prob(actions, observations)


def _layers(
    name: str, size: int, options: dict, *, num_layers: int, noisy: bool, seed: int, **arguments
) -> list:
    """The bijector of ``f``, in a list; none for a Gaussian."""
    if name == GAUSSIAN:
        if options or noisy:
            raise InputError(
                "A Gaussian policy has no layers, so no flow_options and no noise between; leave "
                "them out."
            )
        return []
    if name not in POLICIES:
        raise unknown_name("flow of policies", name, (GAUSSIAN, *POLICIES))
    if size == 1 and not RECIPES[name].takes_size(size, options) and name != _SPLINES:
        if noisy:
            raise InputError(f"{name} has no layers where an action has 1 entry; use nsf.")
        remark(
            f"{name} moves some entries of an action given the others; with 1 entry there are "
            "none, and the policy is a Gaussian. nsf bends one entry too."
        )
        return []
    sizes = [num_layers]
    if noisy:
        sizes = [min(_BLOCK, num_layers - i) for i in range(0, num_layers, _BLOCK)]
    layers: list = []
    for count, one in zip(sizes, layer_seeds(seed, len(sizes)), strict=True):
        layers += _block(name, size, options, num_layers=count, seed=one, **arguments)
        if noisy:
            known = {k: arguments[k] for k in ("context_shape", "dtype")}
            layers.append(Noised(event_shape=size, seed=one, **known))
    return layers


def _block(name: str, size: int, options: dict, *, num_layers: int, seed: int, **arguments) -> list:
    """So many layers without noise between."""
    if name != _SPLINES or size > 1:
        arguments |= {"standardize": False, "standardize_context": False}
        return [build(name, size, options, num_layers=num_layers, seed=seed, **arguments).bijector]
    # Of one entry, a spline given the observation: the recipe would sweep over entries to draw.
    known = {"num_bins": 8, "bound": 5.0}
    for option in options:
        if option not in known:
            raise unknown_name("option of nsf for actions of one entry", option, known)
    known |= options | {k: arguments[k] for k in ("context_shape", "dtype")}
    return [ContextHead(event_shape=1, seed=one, **known) for one in layer_seeds(seed, num_layers)]
