"""The KL of an autoencoder in three parts, with a weight each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import noise
from tfp_flows.bijectors import AffineInjector
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.models.variational import POSTERIORS, Variational

tfd = tfp.distributions
# Whose densities at given points cost one pass: of every draw under every posterior of a batch.
PAIRED = ("diagonal", *(n for n in POSTERIORS[1:] if RECIPES[n].fast == "both"))
# Entries of the table of all pairs, in a call.
_ENTRIES = 2**23


class KLParts(NamedTuple):
    """Parts of the mean KL of posteriors to the prior, which they add up to, in nats.

    Attributes:
        index_code: Mutual information of rows and latents.
        total_correlation: KL of the latents of all rows to as many that are independent.
        dimension_wise: Sum of the KLs of each latent of all rows to its prior.
    """

    index_code: float
    total_correlation: float
    dimension_wise: float


def checked_weights(weights: Sequence[float], layer: Variational, prior):
    """Three weights, if the densities that they need are there.

    Raises:
        InputError: If they are not three that are not negative, or posterior or prior have no such
            densities.
    """
    try:
        found = tuple(float(weight) for weight in weights)
    except (TypeError, ValueError):
        found = ()
    if len(found) != 3 or not all(0 <= weight < np.inf for weight in found):
        raise InputError(
            "kl_weights are three numbers from 0 on, of index-code information, total correlation "
            f"and dimension-wise KL, got {weights!r}."
        )
    check_posterior(layer)
    if found[1] != found[2]:
        check_marginals(layer, prior, f"kl_weights={found} with the second unlike the third")
    return found


def check_posterior(layer: Variational) -> None:
    """Raises an `InputError` if densities of all draws under all posteriors would take searches."""
    name = layer.get_config()["posterior"]
    if name not in PAIRED:
        raise InputError(
            "Parts of the KL need densities of every draw under every row's posterior, each of "
            f"which is a search or a loop for posterior={name!r}; take one of {', '.join(PAIRED)}."
        )


def check_marginals(layer: Variational, prior, what: str) -> None:
    """Raises an `InputError` if posterior or prior does not know the density of a lone latent."""
    if not isinstance(layer.posterior, AffineInjector) or isinstance(prior, Flow):
        raise InputError(
            f"{what} needs the density of each latent by itself, which flows do not have; take "
            "posterior='diagonal' and the standard normal prior."
        )


def divergence(weights, layer, features, z, log_q, log_p, rows: int, training=False):
    """The weighted KL of each row of a batch, an estimate of one draw, ``[n]`` in nats.

    Args:
        weights: Of the three parts; with 1, 1, 1 it is ``log_q - log_p``.
        layer: The posteriors'.
        features: What they are given, ``[n, features]``.
        z: A draw of each, ``[n, latent_size]``.
        log_q: Their log-densities, ``[n]``.
        log_p: Those of the prior, ``[n]``.
        rows: How many rows the data have, of which the batch is some.
        training: Training flag of Keras.
    """
    joint, product = aggregate(log_densities(layer, z, features, training), rows)
    information, correlation, dimensions = weights
    return (
        information * (log_q - joint)
        + correlation * (joint - product)
        + dimensions * (product - log_p)
    )


def log_densities(layer: Variational, z, features, training=False) -> tf.Tensor:
    """Of each draw under each posterior, ``[n, m, latent_size]``; a flow's together, ``[n, m, 1]``.

    Args:
        layer: The posteriors'.
        z: ``[n, latent_size]``.
        features: ``[m, features]``.
        training: Training flag of Keras.
    """
    if isinstance(layer.posterior, AffineInjector):
        shift, log_scale = layer.posterior.shift_and_log_scale(features, training)
        return tfd.Normal(shift, tf.exp(log_scale)).log_prob(z[:, None])
    count, others = tf.shape(z)[0], tf.shape(features)[0]
    each = tf.repeat(z[:, None], others, axis=1)
    given = tf.repeat(features[None], count, axis=0)
    eps, log_det = layer.posterior.inverse_and_log_det(each, given, training)
    density = tfd.Normal(tf.zeros([], z.dtype), 1.0).log_prob(eps)
    return (tf.reduce_sum(density, axis=-1) + log_det)[..., None]


def aggregate(densities, rows: int, first=0) -> tuple[tf.Tensor, tf.Tensor]:
    """Log-densities of draws under the mixture of the posteriors of all rows, ``[n]`` each.

    A row's own posterior is one of ``rows``; the others of the batch stand for all others. So the
    density, not its logarithm, is right on average over batches, and exact where all rows are one:
    the stratified sampling of Chen et al. 2018, arXiv:1802.04942, appendix C.2, with equal weights
    for the others.

    Args:
        densities: Of `log_densities`, ``[n, m, entries]``.
        rows: How many rows there are, ``m`` or more.
        first: Which posterior is that of the first draw; the next one's follows.

    Returns:
        Of all latents together, and the sum over those of each.
    """
    dtype = densities.dtype
    count, others = tf.shape(densities)[0], tf.shape(densities)[1]
    total = tf.cast(rows, dtype)
    rest = (total - 1) / (total * tf.cast(tf.maximum(others - 1, 1), dtype))
    own = first + tf.range(count)[:, None] == tf.range(others)
    weights = tf.math.log(tf.where(own, 1 / total, rest))
    joint = tf.reduce_logsumexp(tf.reduce_sum(densities, axis=-1) + weights, axis=1)
    lone = tf.reduce_logsumexp(densities + weights[..., None], axis=1)
    return joint, tf.reduce_sum(lone, axis=-1)


def measured(layer: Variational, prior, x, context, draws: int, seed: int) -> KLParts:
    """The parts over all rows of some data, each against all others; see `VAE.kl_parts`."""
    check_posterior(layer)
    check_marginals(layer, prior, "kl_parts")
    features = layer.encode(x, context)
    step = max(1, _ENTRIES // (len(x) * layer.latent_shape[0]))
    sums = np.zeros(3)
    for draw in range(draws):
        with noise.seeded(seed, draw):
            z, log_q = layer.draw(features)
        log_p = prior.log_prob(z)
        for first in range(0, len(x), step):
            part = slice(first, first + step)
            pairs = log_densities(layer, z[part], features)
            joint, product = aggregate(pairs, len(x), first)
            found = (log_q[part] - joint, joint - product, product - log_p[part])
            sums += [float(tf.reduce_sum(tf.cast(each, tf.float64))) for each in found]
    return KLParts(*(sums / (draws * len(x))).tolist())
