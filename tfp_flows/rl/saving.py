"""Files of agents that act: Keras models that hold the flow of a policy or of a critic."""

import json

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel
from tfp_flows.rl.critics import FlowCritic
from tfp_flows.rl.nfq import greedy
from tfp_flows.rl.policy import FlowPolicy


@tf.keras.utils.register_keras_serializable(package="tfp_flows")
class AgentModel(FlowModel):
    """What of an agent acts, without what it learned with.

    Args:
        flow: Over actions given an observation, or over returns given an observation and an action.
        facts: ``algorithm``, and of a critic ``actions`` (how many) and ``worst``.
        name: Name of the model.

    Example:
        >>> model = tff.load("run/model.keras")
        >>> model.act(observations)
    """

    def __init__(self, flow: Flow, facts: dict, name: str | None = None):
        super().__init__(flow, name=name)
        self.facts = dict(facts)
        if "actions" in self.facts:
            # Past Keras' tracking, which the model's flow has already.
            critic = FlowCritic.of(flow)
            actions, worst = self.facts["actions"], self.facts["worst"]
            chosen = tf.function(
                lambda seen, latents, seed: greedy(critic, seen, actions, worst),
                autograph=False,
                reduce_retracing=True,
            )
        else:
            policy = FlowPolicy.of(flow)
            chosen = tf.function(
                lambda seen, latents, seed: policy.act(seen, latents, seed)[0],
                autograph=False,
                reduce_retracing=True,
            )
        object.__setattr__(self, "_chosen", chosen)

    def act(self, observations, *, deterministic: bool = True, seed: int = 0) -> np.ndarray:
        """Actions as the environment takes them.

        Args:
            observations: ``[n, *observation]``.
            deterministic: Whether a policy takes its central latent or draws one; a critic always
                chooses the best action.
            seed: Of the draws.

        Returns:
            ``[n, D]``, or numbers of actions ``[n]``.

        Raises:
            InputError: If observations do not fit or hold NaN.
        """
        seen = np.asarray(observations)
        shape = self.flow.context_shape
        shape = tuple(shape["observation"] if isinstance(shape, dict) else shape)
        if seen.shape[1:] != shape or not np.isfinite(np.asarray(seen, np.float64)).all():
            raise InputError(
                f"Observations are finite numbers [n, {', '.join(map(str, shape))}], got an array "
                f"of shape {seen.shape}."
            )
        latents = np.zeros((len(seen), int(self.flow.event_shape[0])))
        if not deterministic:
            latents = np.random.default_rng(seed).standard_normal(latents.shape)
        dtype = self.flow.dtype
        pair = None if deterministic else tf.constant([seed, 0], tf.int64)
        return self._chosen(tf.cast(seen, dtype), tf.constant(latents, dtype), pair).numpy()

    def get_config(self):
        """Returns what rebuilds the model, without weights."""
        # As text, which no Keras looks into.
        return {**super().get_config(), "agent": json.dumps(dict(self.facts))}

    @classmethod
    def from_config(cls, config_, custom_objects=None):
        """Builds a model from what `get_config` returned."""
        config = dict(config_)
        config["facts"] = json.loads(config.pop("agent"))
        return super().from_config(config, custom_objects)
