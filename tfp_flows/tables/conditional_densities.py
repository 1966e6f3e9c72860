"""Densities of some columns of a flow of vectors, alone and given others: by importance."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel
from tfp_flows.tables.conditioning import LEAST, conditional_draws, log_prob_of, places_of

tfd = tfp.distributions

_KERNELS, _WEIGHTED, _FREEDOM, _WIDER = 200, 4_000, 5.0, 1.2


class Density(NamedTuple):
    """Conditional log-densities.

    Attributes:
        log_density: ``[rows]``, in nats.
        standard_error: Of all of them together, in nats: that of the density of what is given.
        effective: The effective number of the weighted draws behind it.
    """

    log_density: np.ndarray
    standard_error: float
    effective: float


def conditional_log_prob(
    flow: Flow | FlowModel, values: np.ndarray, given: Mapping[int, float], *, seed: int = 0
) -> Density:
    """Log-densities of a flow's other columns given some, in nats.

    That of the row less that of what is given; see `marginal_log_prob`.

    Args:
        flow: An unconditional flow of vectors, or its model.
        values: The other columns in their order, ``[rows, columns - given]``.
        given: Values by number of column.
        seed: Seed.

    Raises:
        InputError: As in `marginal_log_prob`; or if the values are of another shape.
    """
    flow, places, fixed, free = places_of(flow, given)
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.shape[1] != len(free):
        raise InputError(
            f"Values of the columns {free.tolist()} are asked for, and are of shape "
            f"{values.shape}; give [rows, {len(free)}]."
        )
    of_given = marginal_log_prob(flow, given, seed=seed)
    density = log_prob_of(flow, places, fixed, free)
    log_density = tf.cast(density(tf.constant(values)), tf.float64).numpy()
    return of_given._replace(log_density=log_density - of_given.log_density)


def marginal_log_prob(
    flow: Flow | FlowModel,
    given: Mapping[int, float],
    *,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> Density:
    """The log-density of some columns of a flow alone, in nats: an integral over the others.

    It is found by importance: draws of the others, with heavy-tailed kernels around, are weighted
    by the flow's density.

    Args:
        flow: An unconditional flow of vectors, or its model.
        given: Values by number of column.
        seed: Seed.
        names: Of all columns, for messages; by default they are numbered from 0.

    Returns:
        The log-density, of one row.

    Raises:
        InputError: As in `conditional_draws`; or if the effective number of the weighted draws is
            below 100.
    """
    flow, places, fixed, free = places_of(flow, given)
    draws = conditional_draws(flow, given, seed=seed, names=names).values[:, free]
    proposal = _around(draws, np.random.default_rng(seed))
    tried = proposal.sample(_WEIGHTED, seed=(seed, 3))
    density = log_prob_of(flow, places, fixed, free)
    log_weights = (tf.cast(density(tried), tf.float64) - proposal.log_prob(tried)).numpy()
    log_weights = np.where(np.isnan(log_weights), -np.inf, log_weights)
    top = log_weights.max()
    weights = np.exp(log_weights - top) if np.isfinite(top) else np.zeros(_WEIGHTED)
    effective = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300))
    if effective < LEAST:
        raise InputError(
            f"{flow.name} has no density given columns {places.tolist()} that could be found: the "
            f"effective number of {_WEIGHTED:,} weighted draws is {effective:.0f}, below {LEAST}; "
            "fit a model of tables (--flow columns), which has every conditional."
        )
    of_given = np.array([top + math.log(weights.mean())])
    return Density(of_given, math.sqrt(1 / effective - 1 / _WEIGHTED), effective)


def _around(draws, rng) -> tfd.Distribution:
    """Heavy-tailed kernels around some of the draws ``[n, k]``, of their covariance."""
    some = draws[rng.choice(len(draws), min(_KERNELS, len(draws)), replace=False)]
    size = draws.shape[1]
    bandwidth = _WIDER * (4 / ((size + 2) * len(some))) ** (1 / (size + 4))
    covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    covariance += 1e-9 * np.diag(np.diag(covariance) + 1e-30)
    factor = tf.linalg.LinearOperatorLowerTriangular(
        tf.constant(bandwidth * np.linalg.cholesky(covariance))
    )
    kernels = tfd.MultivariateStudentTLinearOperator(_FREEDOM, tf.constant(some), factor)
    even = tfd.Categorical(logits=tf.zeros([len(some)], tf.float64))
    return tfd.MixtureSameFamily(even, kernels)
