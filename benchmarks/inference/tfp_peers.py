"""TFP's own: a mean field, a structured surrogate (ASVI), NUTS."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.inference.models.pieces import Restricted, Root
from tfp_flows import vi

tfd = tfp.distributions
Found = tuple[dict[str, np.ndarray], None, dict[str, Any]]
LEARNING_RATE, DRAWS = 0.05, 20_000
CHAINS, WARM_UP, KEPT, DEPTH = 16, 400, 500, 8


def mean_field(joint, observed: Mapping[str, Any], job: Mapping[str, Any]) -> Found:
    """Independent normal distributions in unconstrained coordinates."""
    pinned = joint.experimental_pin(**observed)
    surrogate = tfp.experimental.vi.build_affine_surrogate_posterior(
        event_shape=pinned.event_shape,
        operators="diag",
        bijector=pinned.experimental_default_event_space_bijector(),
        dtype=tf.float64,
        validate_args=False,
    )
    return _fitted(pinned, surrogate, job)


def asvi(joint, observed: Mapping[str, Any], job: Mapping[str, Any]) -> Found:
    """The prior's own structure, its parameters mixed with free ones (Ambrogioni et al. 2021)."""
    pinned = joint.experimental_pin(**observed)
    rules = (
        *tfp.experimental.vi.ASVI_DEFAULT_PRIOR_SUBSTITUTION_RULES,
        # Improper and restricted priors have no parameters to mix with: normal ones stand there.
        (lambda prior: isinstance(prior, Restricted | vi.Flat), _transformed_normal),
    )
    surrogate = tfp.experimental.vi.build_asvi_surrogate_posterior(
        _prior(joint, observed), prior_substitution_rules=rules
    )
    return _fitted(pinned, surrogate, job)


def nuts(joint, observed: Mapping[str, Any], job: Mapping[str, Any]) -> Found:
    """`windowed_adaptive_nuts`, compiled."""

    @tf.function(jit_compile=True, autograph=False)
    def sampled():
        return tfp.experimental.mcmc.windowed_adaptive_nuts(
            KEPT,
            joint,
            n_chains=CHAINS,
            num_adaptation_steps=WARM_UP,
            max_tree_depth=DEPTH,
            trace_fn=None,
            seed=tf.constant([job["seed"], 0]),
            **observed,
        )

    chains = sampled()._asdict()
    reduction = [tfp.mcmc.potential_scale_reduction(chain) for chain in chains.values()]
    largest = max(float(tf.reduce_max(value)) for value in reduction)
    draws = {k: v.numpy().reshape(-1, *v.shape[2:]) for k, v in chains.items()}
    return draws, None, {"r_hat": largest}


def _fitted(pinned, surrogate, job) -> Found:
    import tf_keras

    rate = tf_keras.optimizers.schedules.CosineDecay(LEARNING_RATE, job["steps"])

    tfp.vi.fit_surrogate_posterior(
        pinned.unnormalized_log_prob,
        surrogate,
        optimizer=tf_keras.optimizers.Adam(rate, global_clipnorm=10.0),
        num_steps=job["steps"],
        sample_size=job["draws"],
        seed=job["seed"],
    )
    draws = surrogate.sample(DRAWS, seed=job["seed"])
    leaves = zip(pinned.event_shape._fields, tf.nest.flatten(draws), strict=True)
    return {name: leaf.numpy() for name, leaf in leaves}, None, {}


def _prior(joint, observed: Mapping[str, Any]):
    """The joint distribution without what is observed, which comes last in these models."""

    def law() -> Iterator[Any]:
        parts = joint._model_coroutine()
        part = next(parts)
        while (part.distribution if isinstance(part, Root) else part).name not in observed:
            part = parts.send((yield part))

    return tfd.JointDistributionCoroutine(law)


def _transformed_normal(prior):
    support = prior.experimental_default_event_space_bijector()
    law = tfd.Normal(tf.zeros([], prior.dtype), tf.ones([], prior.dtype))
    event = support.inverse_event_shape(prior.event_shape)
    return tfd.TransformedDistribution(tfd.Sample(law, event), support, name=prior.name)
