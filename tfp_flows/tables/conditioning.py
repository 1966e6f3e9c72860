"""Flows of vectors given some of their columns: exact where their order allows, else by chains.

A `TableModel` answers for every conditional itself; this is for flows that were fitted without it.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.bases import log_prob_entries
from tfp_flows.chains import RandomisedHamiltonian
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel

tfd = tfp.distributions

_PROBES, _NEAREST_OF = 16, 4_096
_SAME = 1e-4
_LEAPS, _ACCEPTED = 8, 0.8
_LEAST_A_CHAIN = 250
_AGREED = 1.1
_LEAST = 100
_KERNELS, _WEIGHTED, _FREEDOM, _WIDER = 200, 4_000, 5.0, 1.2


class Draws(NamedTuple):
    """Draws of a flow given some columns.

    Attributes:
        values: ``[n, columns]``, what is given in place.
        how: ``"exact"`` or ``"chains"``.
        effective: The effective number of all that the chains drew, of the column where it is the
            least; ``n`` where draws are exact.
        r_hat: The largest R-hat of the columns; 1 where draws are exact.
    """

    values: np.ndarray
    how: str
    effective: float
    r_hat: float


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


def conditional_draws(
    flow: Flow | FlowModel,
    given: Mapping[int, float],
    n: int = 1_000,
    *,
    chains: int = 16,
    warm_up: int = 400,
    seed: int = 0,
) -> Draws:
    """Draws of a flow's other columns given some.

    Where the latents of the given columns depend on these alone, as in an autoregressive flow whose
    order begins with them, the others are drawn anew: exact. Else Hamiltonian chains run over the
    other columns under the flow's density, from those of its samples that are nearest to what is
    given.

    Args:
        flow: An unconditional flow of vectors, or its model.
        given: Values by number of column.
        n: Number of draws.
        chains: Number of chains, at least two.
        warm_up: Steps of each chain before its draws.
        seed: Seed.

    Raises:
        InputError: If the flow is of something else, a column is none or all are given; or if the
            chains do not agree or their effective number of draws is below 100.
    """
    flow, size = _checked(flow, given)
    if n < 1 or chains < 2 or warm_up < 1:
        raise InputError(
            f"{n} draws of {chains} chains after {warm_up} steps are asked for; give one, two and "
            "one at least."
        )
    places = np.array(sorted(given))
    fixed = np.array([given[place] for place in places], np.float64)
    values = _in_order(flow, places, fixed, n, seed)
    if values is not None:
        return Draws(values, "exact", float(n), 1.0)
    free = np.setdiff1d(np.arange(size), places)
    found = _by_chains(flow, places, fixed, free, n, chains, warm_up, seed)
    if not (found.r_hat < _AGREED and found.effective >= _LEAST):
        raise InputError(
            f"{flow.name} cannot be drawn from given columns {places.tolist()}: the chains have an "
            f"effective number of {found.effective:.0f} draws and an R-hat of {found.r_hat:.2f}, "
            f"which should be {_LEAST} and below {_AGREED:g}; raise warm_up and n, or fit a model "
            "of tables (--flow columns), which has every conditional."
        )
    return found


def conditional_log_prob(
    flow: Flow | FlowModel, values: np.ndarray, given: Mapping[int, float], *, seed: int = 0
) -> Density:
    """Log-densities of a flow's other columns given some, in nats.

    That of the row less that of what is given, an integral over the other columns. It is found by
    importance: draws of them, with heavy-tailed kernels around, are weighted by the flow's density.

    Args:
        flow: An unconditional flow of vectors, or its model.
        values: The other columns in their order, ``[rows, columns - given]``.
        given: Values by number of column.
        seed: Seed.

    Raises:
        InputError: As in `conditional_draws`; or if the effective number of the weighted draws is
            below 100, or the values are of another shape.
    """
    flow, size = _checked(flow, given)
    places = np.array(sorted(given))
    fixed = np.array([given[place] for place in places], np.float64)
    free = np.setdiff1d(np.arange(size), places)
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.shape[1] != len(free):
        raise InputError(
            f"Values of the columns {free.tolist()} are asked for, and are of shape "
            f"{values.shape}; give [rows, {len(free)}]."
        )
    draws = conditional_draws(flow, given, seed=seed).values[:, free]
    proposal = _around(draws, np.random.default_rng(seed))
    tried = proposal.sample(_WEIGHTED, seed=(seed, 3))
    density = _log_prob_of(flow, places, fixed, free)
    log_weights = (tf.cast(density(tried), tf.float64) - proposal.log_prob(tried)).numpy()
    log_weights = np.where(np.isnan(log_weights), -np.inf, log_weights)
    top = log_weights.max()
    weights = np.exp(log_weights - top) if np.isfinite(top) else np.zeros(_WEIGHTED)
    effective = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300))
    if effective < _LEAST:
        raise InputError(
            f"{flow.name} has no density given columns {places.tolist()} that could be found: the "
            f"effective number of {_WEIGHTED:,} weighted draws is {effective:.0f}, below {_LEAST}; "
            "fit a model of tables (--flow columns), which has every conditional."
        )
    of_given = top + math.log(weights.mean())
    log_density = tf.cast(density(tf.constant(values)), tf.float64).numpy() - of_given
    return Density(log_density, math.sqrt(1 / effective - 1 / _WEIGHTED), effective)


def _checked(flow, given) -> tuple[Flow, int]:
    flow = getattr(flow, "flow", flow)
    if len(flow.event_shape) != 1 or flow.event_shape[0] is None or flow.batch_shape.rank != 0:
        raise InputError(
            f"Columns are those of flows of vectors, and {flow.name} is of events of shape "
            f"{tuple(flow.event_shape)} in a batch of {flow.batch_shape}."
        )
    if flow.context_shape is not None:
        raise InputError(f"{flow.name} takes a context; fix it first, by flow.given(context).")
    size = int(flow.event_shape[0])
    if not given or len(given) >= size or not all(place in range(size) for place in given):
        raise InputError(
            f"Columns {sorted(given)} are given of {size}; give at least one of 0 to {size - 1}, "
            "and not all."
        )
    return flow, size


def _joined(flow, places, fixed, free, rest):
    """Rows of the flow of what is given and the rest ``[..., free]``."""
    rest = tf.cast(rest, flow.dtype)
    known = tf.broadcast_to(
        tf.cast(fixed, flow.dtype), tf.concat([tf.shape(rest)[:-1], [len(places)]], axis=0)
    )
    order = np.argsort(np.concatenate([places, free]))
    return tf.gather(tf.concat([known, rest], axis=-1), order, axis=-1)


def _log_prob_of(flow, places, fixed, free):
    return lambda rest: flow.log_prob(_joined(flow, places, fixed, free, rest))


def _in_order(flow, places, fixed, n, seed) -> np.ndarray | None:
    """Exact draws ``[n, columns]``, if latents of just the given columns are fixed by them."""
    z = flow.distribution.sample(n, seed=(seed, 0))
    try:
        log_prob_entries(flow.distribution, z[:1])
    except NotImplementedError:
        return None
    rows = flow.sample(_PROBES, seed=(seed, 1)).numpy()
    rows[:, places] = fixed
    latents = flow.to_latent(rows).numpy()
    held = np.ptp(latents, axis=0) <= _SAME * (1 + np.abs(latents).max(axis=0))
    if not np.isfinite(latents).all() or held.sum() != len(places):
        return None
    z = np.where(held, latents[:1], z.numpy())
    values = flow.from_latent(z).numpy().astype(np.float64)
    if not np.isfinite(values).all():
        return None
    apart = np.abs(values[:, places] - fixed) / np.maximum(values.std(axis=0).max(), np.abs(fixed))
    if apart.max() > 10 * _SAME:
        return None
    values[:, places] = fixed
    return values


def _by_chains(flow, places, fixed, free, n, chains, warm_up, seed) -> Draws:
    samples = flow.sample(_NEAREST_OF, seed=(seed, 2)).numpy().astype(np.float64)
    samples = samples[np.isfinite(samples).all(axis=1)]
    scale = np.maximum(samples.std(axis=0), 1e-30)
    far = (((samples[:, places] - fixed) / scale[places]) ** 2).sum(axis=1)
    nearest = samples[np.argsort(far)[: 4 * chains]][:, free]
    middle, spread = nearest.mean(axis=0), np.maximum(nearest.std(axis=0), 1e-6 * scale[free])
    start = tf.constant((nearest[::4] - middle) / spread, flow.dtype)
    shift, factor = tf.cast(middle, flow.dtype), tf.cast(spread, flow.dtype)
    density = _log_prob_of(flow, places, fixed, free)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        RandomisedHamiltonian(
            lambda u: density(shift + factor * u),
            tf.fill([chains, 1], tf.cast(0.3, flow.dtype)),
            _LEAPS,
        ),
        num_adaptation_steps=int(0.8 * warm_up),
        target_accept_prob=tf.cast(_ACCEPTED, flow.dtype),
    )
    count = max(_LEAST_A_CHAIN, math.ceil(n / chains))

    @tf.function(autograph=False)
    def sampled():
        return tfp.mcmc.sample_chain(
            count,
            current_state=start,
            kernel=kernel,
            num_burnin_steps=warm_up,
            trace_fn=None,
            seed=(seed, 4),
        )

    u = tf.cast(sampled(), tf.float64)
    r_hat = tfp.mcmc.potential_scale_reduction(u, split_chains=True).numpy()
    effective = tfp.mcmc.effective_sample_size(u, cross_chain_dims=1).numpy()
    flat = u.numpy().reshape(-1, len(free))
    kept = middle + spread * flat[np.linspace(0, len(flat) - 1, n).round().astype(int)]
    values = _joined(flow, places, fixed, free, kept).numpy().astype(np.float64)
    values[:, free], values[:, places] = kept, fixed
    return Draws(values, "chains", float(effective.min()), float(r_hat.max()))


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
