"""Flows of vectors given some of their columns: exact where their order allows, else by chains.

A `TableModel` answers for every conditional itself; this is for flows that were fitted without it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.bases import log_prob_entries
from tfp_flows.chains import RandomisedHamiltonian, effective_sample_size
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel

_PROBES, _NEAREST_OF = 16, 4_096
_SAME = 1e-4
# Of their range beyond samples: farther, chains begin nowhere near.
_OUTSIDE = 0.5
_LEAPS, _ACCEPTED = 8, 0.8
_LEAST_A_CHAIN = 250
_AGREED = 1.1
LEAST = 100
"""The least effective number of draws that counts."""


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


def conditional_draws(
    flow: Flow | FlowModel,
    given: Mapping[int, float],
    n: int = 1_000,
    *,
    chains: int = 16,
    warm_up: int = 400,
    seed: int = 0,
    names: Sequence[str] | None = None,
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
        names: Of all columns, for messages; by default they are numbered from 0.

    Raises:
        InputError: If the flow is of something else, a column is none or all are given; or if
            chains would begin far outside of the flow's samples, do not agree, or their effective
            number of draws is below 100.
    """
    flow, places, fixed, free = places_of(flow, given)
    if n < 1 or chains < 2 or warm_up < 1:
        raise InputError(
            f"{n} draws of {chains} chains after {warm_up} steps are asked for; give one, two and "
            "one at least."
        )
    values = _in_order(flow, places, fixed, n, seed)
    if values is not None:
        return Draws(values, "exact", float(n), 1.0)
    shown = [f"{f'column {place}' if names is None else names[place]} = " for place in places]
    shown = [f"{name}{value:g}" for name, value in zip(shown, fixed, strict=True)]
    samples = _samples_near(flow, places, fixed, shown, seed)
    found = _by_chains(flow, places, fixed, free, samples, n, chains, warm_up, seed)
    if not (found.r_hat < _AGREED and found.effective >= LEAST):
        raise InputError(
            f"{flow.name} cannot be drawn given {', '.join(shown)}: the chains have an effective "
            f"number of {found.effective:.0f} draws and an R-hat of {found.r_hat:.2f}, which "
            f"should be {LEAST} and below {_AGREED:g}; give values nearer to the data, raise "
            "warm_up and n (in Python), or fit a model of tables (--flow columns), which has every "
            "conditional."
        )
    return found


def draws_exactly(flow: Flow | FlowModel, given: Mapping[int, float]) -> bool:
    """Whether `conditional_draws` needs no chains for these columns.

    Raises:
        InputError: If the flow is of something else, a column is none or all are given.
    """
    flow, places, fixed, _ = places_of(flow, given)
    return _in_order(flow, places, fixed, _PROBES, 0) is not None


def places_of(flow, given) -> tuple[Flow, np.ndarray, np.ndarray, np.ndarray]:
    """The flow, the numbers of the given columns, their values, and the numbers of the others."""
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
    places = np.array(sorted(given))
    fixed = np.array([given[place] for place in places], np.float64)
    return flow, places, fixed, np.setdiff1d(np.arange(size), places)


def _joined(flow, places, fixed, free, rest):
    """Rows of the flow of what is given and the rest ``[..., free]``."""
    rest = tf.cast(rest, flow.dtype)
    known = tf.broadcast_to(
        tf.cast(fixed, flow.dtype), tf.concat([tf.shape(rest)[:-1], [len(places)]], axis=0)
    )
    order = np.argsort(np.concatenate([places, free]))
    return tf.gather(tf.concat([known, rest], axis=-1), order, axis=-1)


def log_prob_of(flow, places, fixed, free):
    """Log-densities ``[...]`` of rows of what is given and of the other columns ``[..., free]``."""
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


def _samples_near(flow, places, fixed, shown, seed) -> np.ndarray:
    """Samples of the flow ``[n, columns]``; what is given must not lie far outside of them."""
    samples = flow.sample(_NEAREST_OF, seed=(seed, 2)).numpy().astype(np.float64)
    samples = samples[np.isfinite(samples).all(axis=1)]
    low, high = samples[:, places].min(axis=0), samples[:, places].max(axis=0)
    far = np.flatnonzero(np.maximum(low - fixed, fixed - high) > _OUTSIDE * (high - low))
    if len(far):
        j = far[0]
        raise InputError(
            f"{shown[j]} is far outside the data ({low[j]:.4g} to {high[j]:.4g}, by "
            f"{len(samples):,} samples of {flow.name}); give a value nearer to them."
        )
    return samples


def _by_chains(flow, places, fixed, free, samples, n, chains, warm_up, seed) -> Draws:
    scale = np.maximum(samples.std(axis=0), 1e-30)
    far = (((samples[:, places] - fixed) / scale[places]) ** 2).sum(axis=1)
    nearest = samples[np.argsort(far)[: 4 * chains]][:, free]
    middle, spread = nearest.mean(axis=0), np.maximum(nearest.std(axis=0), 1e-6 * scale[free])
    start = tf.constant((nearest[::4] - middle) / spread, flow.dtype)
    shift, factor = tf.cast(middle, flow.dtype), tf.cast(spread, flow.dtype)
    density = log_prob_of(flow, places, fixed, free)
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
    effective = effective_sample_size(u).numpy()
    flat = u.numpy().reshape(-1, len(free))
    kept = middle + spread * flat[np.linspace(0, len(flat) - 1, n).round().astype(int)]
    values = _joined(flow, places, fixed, free, kept).numpy().astype(np.float64)
    values[:, free], values[:, places] = kept, fixed
    return Draws(values, "chains", float(effective.min()), float(r_hat.max()))
