"""Values of observations and actions: a number, or the distribution of the return as a flow.

Sources: distributional learning, Bellemare et al. 2017, arXiv:1707.06887; the energy distance as
an integral of quantile losses, Dabney et al. 2018, arXiv:1710.10044; monotone splines with linear
tails, Durkan et al. 2019, arXiv:1906.04032.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfp_flows.config import Configurable
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows import Flow
from tfp_flows.flows.recipes import layer_seeds, standard_normal
from tfp_flows.interop import Bridge
from tfp_flows.networks import MLP
from tfp_flows.rl.heads import ContextHead
from tfp_flows.rl.trunk import Trunk, features

LOSSES = ("energy", "kl")
# Quantiles of which a mean is made, and draws of a target.
_LEVELS = 32


class JointTrunk(Configurable, tf.Module):
    """From an observation and an action, ``{"observation": ..., "action": ...}``, to features.

    Args:
        observation_shape: Shape of an observation.
        action_size: Size of an action; one of several is one-hot.
        hidden_units: Layers.
        embedding: A network of one's own for observations; needed unless they are vectors.
        dtype: Of the weights.
        seed: Seed of the initial weights.

    Attributes:
        size: Number of features.
    """

    def __init__(
        self,
        *,
        observation_shape: Sequence[int],
        action_size: int,
        hidden_units: Sequence[int] = (256, 256),
        embedding: Any = None,
        dtype=tf.float32,
        seed: int | None = None,
    ):
        super().__init__(name="pairs")
        self.size, self._bridge = int(tuple(hidden_units)[-1]), None
        shape = tuple(observation_shape)
        if embedding is not None:
            shape = (features(embedding, shape, dtype),)
            self._bridge = _Seen(embedding, "an embedding of observations")
        self._trunk = Trunk(
            input_size=shape[0] + action_size, hidden_units=hidden_units, dtype=dtype, seed=seed
        )

    def __call__(self, inputs):
        """Features ``[n, hidden_units[-1]]``."""
        seen, action = inputs["observation"], inputs["action"]
        if self._bridge is not None:
            seen = tf.cast(self._bridge.network(seen), action.dtype)
        return self._trunk(tf.concat([seen, action], axis=-1))


class _Seen(Bridge):
    """A network that was already called, with its variables."""

    def __init__(self, network, role: str):
        super().__init__(network, role)
        self._see_variables()


class _OfPairs(tf.Module):
    """What looks at observations and actions by a `JointTrunk`."""

    def __init__(
        self,
        observation_shape: Sequence[int],
        action_size: int,
        *,
        dtype=tf.float32,
        seed: int | None = None,
        **options: Any,
    ):
        super().__init__(name="critic")
        first, self._head_seed = layer_seeds(seed, 2)
        shape = tuple(observation_shape)
        self._pairs = JointTrunk(
            observation_shape=shape, action_size=action_size, dtype=dtype, seed=first, **options
        )
        self._features, self._dtype = self._pairs.size, dtype


class Critic(_OfPairs):
    """A value for each observation and action: the critic of soft actor-critic.

    Args:
        observation_shape: Shape of an observation.
        action_size: Size of an action.
        **options: ``hidden_units``, ``embedding``, ``dtype`` and ``seed``, as in `JointTrunk`.
    """

    def __init__(self, observation_shape: Sequence[int], action_size: int, **options: Any):
        super().__init__(observation_shape, action_size, **options)
        self._value = MLP(
            input_size=self._features,
            output_size=1,
            hidden_units=(),
            dtype=self._dtype,
            output_scale=1.0,
            seed=self._head_seed,
        )

    def mean(self, observations, actions) -> tf.Tensor:
        """Values ``[n]``."""
        return self._value(self._pairs({"observation": observations, "action": actions}))[:, 0]

    def mean_and_draws(self, observations, actions, seed) -> tuple[tf.Tensor, tf.Tensor]:
        """Values ``[n]``, and the same as the one draw of a return ``[n, 1]``."""
        del seed
        value = self.mean(observations, actions)
        return value, value[:, tf.newaxis]

    def loss(self, observations, actions, targets, seed) -> tf.Tensor:
        """Half the mean squared distance to targets ``[n, k]``."""
        del seed
        value = self.mean(observations, actions)[:, tf.newaxis]
        return 0.5 * tf.reduce_mean(tf.square(value - targets))


class FlowCritic(_OfPairs):
    """The distribution of the return of each observation and action, as a flow in one dimension.

    A normal latent goes through a monotone spline with linear tails, a scale and a shift, all of
    them predicted. `flow` is an ordinary conditional `Flow` over returns ``[..., 1]``, given
    ``{"observation": ..., "action": ...}``.

    Args:
        observation_shape: Shape of an observation.
        action_size: Size of an action; one of several is one-hot.
        num_bins: Bins of the spline.
        loss: ``"energy"``, the energy distance to the targets, which also takes returns that are
            certain; or ``"kl"``, their log-density, which needs returns that spread.
        **options: ``hidden_units``, ``embedding``, ``dtype`` and ``seed``, as in `JointTrunk`.

    Raises:
        InputError: If the loss is not known.
    """

    def __init__(
        self,
        observation_shape: Sequence[int],
        action_size: int,
        *,
        num_bins: int = 16,
        loss: str = "energy",
        **options: Any,
    ):
        if loss not in LOSSES:
            raise unknown_name("loss of a FlowCritic", loss, LOSSES)
        super().__init__(observation_shape, action_size, **options)
        self._loss = loss
        self._head = ContextHead(
            event_shape=1,
            context_shape=self._features,
            num_bins=num_bins,
            # Returns are in units of the environment's own.
            log_scale_bounds=(-5.0, 6.0),
            dtype=self._dtype,
            seed=self._head_seed,
        )
        self.flow = Flow(
            standard_normal(1, self._dtype),
            self._head,
            embedding=self._pairs,
            context_shape={"observation": tuple(observation_shape), "action": (action_size,)},
            name="flow_critic",
        )

    @classmethod
    def of(cls, flow: Flow) -> "FlowCritic":
        """The critic of a flow that a critic was once made of, as from a file."""
        critic = cls.__new__(cls)
        tf.Module.__init__(critic, name="flow_critic")
        critic.flow, critic._head, critic._pairs = flow, flow.bijector, flow.embedding
        critic._loss = LOSSES[0]
        return critic

    def quantiles(self, observations, actions, levels) -> tf.Tensor:
        """Returns below which the shares ``levels`` lie.

        Args:
            observations: ``[n, *observation]``.
            actions: ``[n, action_size]``.
            levels: ``[k]`` or ``[n, k]``, in (0, 1).

        Returns:
            ``[n, k]``.
        """
        return self._quantiles(self._parameters(observations, actions), levels)

    def mean(self, observations, actions) -> tf.Tensor:
        """Means ``[n]``, of 32 quantiles."""
        return self._mean(self._parameters(observations, actions))

    def tail_mean(self, observations, actions, share: float) -> tf.Tensor:
        """Means ``[n]`` of the worst ``share`` of returns: the conditional value at risk.

        Raises:
            InputError: If the share is not in (0, 1].
        """
        if not 0 < share <= 1:
            raise InputError(f"The share of the worst returns is in (0, 1], got {share!r}.")
        return self._mean(self._parameters(observations, actions), share)

    def mean_and_draws(self, observations, actions, seed) -> tuple[tf.Tensor, tf.Tensor]:
        """Means ``[n]``, and draws of the return ``[n, 32]``."""
        parameters = self._parameters(observations, actions)
        return self._mean(parameters), self._quantiles(parameters, self._levels(parameters, seed))

    def loss(self, observations, actions, targets, seed) -> tf.Tensor:
        """Mean distance to draws of the right distribution ``[n, k]``."""
        parameters = self._parameters(observations, actions)
        if self._loss == "kl":
            x, log_slope = self._head.unmoved(targets, parameters)
            return -tf.reduce_mean(log_slope - 0.5 * tf.square(x))
        levels = self._levels(parameters, seed)
        gaps = targets[:, tf.newaxis, :] - self._quantiles(parameters, levels)[:, :, tf.newaxis]
        levels = levels[:, :, tf.newaxis]
        return 2 * tf.reduce_mean(tf.maximum(levels * gaps, (levels - 1) * gaps))

    def _parameters(self, observations, actions):
        context = {"observation": observations, "action": actions}
        return self._head.parameters_of(self._pairs(context))

    def _quantiles(self, parameters, levels):
        return self._head.moved(tf.math.ndtri(levels), parameters)[0]

    def _mean(self, parameters, share: float = 1.0):
        middles = share * (tf.range(_LEVELS, dtype=parameters.dtype) + 0.5) / _LEVELS
        levels = tf.broadcast_to(middles, [tf.shape(parameters)[0], _LEVELS])
        return tf.reduce_mean(self._quantiles(parameters, levels), axis=-1)

    def _levels(self, parameters, seed):
        """One level in each of equal parts of (0, 1), which vary less than as many free ones."""
        shape = [tf.shape(parameters)[0], _LEVELS]
        inside = tf.random.stateless_uniform(
            shape, seed, minval=1e-3, maxval=1 - 1e-3, dtype=parameters.dtype
        )
        return (tf.range(_LEVELS, dtype=parameters.dtype) + inside) / _LEVELS
