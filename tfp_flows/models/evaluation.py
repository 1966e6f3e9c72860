"""Measures of a fitted flow: log-densities, samples, and a Gaussian to compare with."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows import held_out
from tfp_flows.spread import spread
from tfp_flows.terminal import note, tracked

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_BATCH = 10_000
# Rows with less than this, in units of the columns' deviations, have for all purposes no density.
_HOPELESS = -1_000.0


def log_density(flow: "Flow", values: np.ndarray) -> np.ndarray:
    """Log-densities ``[rows]`` in nats of ``values`` ``[rows, *event_shape]``."""
    size = min(len(values), _BATCH)

    @tf.function(autograph=False)
    def compiled(x):
        return flow.log_prob(x)

    def batch(start):
        part = values[start : start + size]
        # Batches of one size, the last filled up, so that the function is traced only once.
        filled = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
        return compiled(tf.constant(filled, flow.dtype)).numpy()[: len(part)]

    starts = range(0, len(values), size)
    return np.concatenate([batch(i) for i in tracked(starts, "Scoring", len(starts))])


def bits_per_dim(
    flow: "Flow", batches: tf.data.Dataset, *, seed: int = 0, draws: int = 1
) -> np.ndarray:
    """Bits per dimension of each event of a stream, the same for the same arguments.

    Those of a flow that adds noise (`Dequantize`) are on average an upper bound on the bits of
    the integers themselves; more draws bring each nearer to that average.

    Args:
        flow: The flow.
        batches: Batches of events, or of pairs with a context.
        seed: Seed of noise, set for the whole of TensorFlow.
        draws: How many draws of noise are averaged over.

    Returns:
        ``[events]``, in the order of the stream.
    """
    tf.random.set_seed(seed)
    scale = -math.log(2) * math.prod(flow.event_shape)

    @tf.function(reduce_retracing=True, autograph=False)
    def compiled(x, context):
        return flow.log_prob(x, context) / tf.cast(scale, flow.dtype)

    results = []
    for batch in tracked(batches, "Scoring", int(batches.cardinality())):
        x, context = batch if isinstance(batch, tuple) else (batch, None)
        results.append(np.mean([compiled(x, context).numpy() for _ in range(draws)], axis=0))
    return np.concatenate(results)


def draw(
    flow: "Flow",
    count: int,
    seed: int,
    *,
    contexts: np.ndarray | None = None,
    temperature: float = 1.0,
    batch: int = _BATCH,
) -> np.ndarray:
    """Samples ``[count, *event_shape]``, the same for the same arguments; notes strange ones.

    Args:
        flow: The flow.
        count: Number of samples.
        seed: Seed.
        contexts: ``[count, *context_shape]``, one for each sample.
        temperature: See `Flow.sample`.
        batch: Samples drawn at a time.
    """
    size = min(count, batch)

    @tf.function(autograph=False)
    def compiled(pair, context):
        shape = size if context is None else ()
        return flow.sample(shape, context, seed=pair, temperature=temperature)

    def part(i, start):
        context = None
        if contexts is not None:
            context = tf.constant(np.resize(contexts[start:], (batch, *contexts.shape[1:])))
        return compiled(tf.constant([seed, i], tf.int32), context).numpy()

    starts = tracked(range(0, count, size), "Sampling", math.ceil(count / size))
    values = np.concatenate([part(i, start) for i, start in enumerate(starts)])[:count]
    strange = int((~np.isfinite(values).reshape(count, -1).all(axis=1)).sum())
    if strange:
        note(f"{strange:,} of {count:,} samples are not finite.")
    return values


def hopeless_below(values: np.ndarray) -> float:
    """The log-density, in nats, below which a row can rule a mean, in the units of the data.

    Args:
        values: ``[rows, columns]`` that a flow was fitted to.
    """
    return float(_HOPELESS - np.log(spread(values).scale).sum())


class Gaussian(NamedTuple):
    """A normal distribution with mean ``[D]`` and the Cholesky factor ``[D, D]`` of its covariance.

    Both are in units of ``scale`` ``[D]``, the standard deviations of the data.
    """

    mean: np.ndarray
    scale: np.ndarray
    cholesky: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> "Gaussian | None":
        """Maximum likelihood; None if a column is a linear function of the others."""
        values = values.astype(np.float64)
        mean, scale, constant = spread(values)
        if constant.any():
            return None
        scaled = (values - mean) / scale
        covariance = scaled.T @ scaled / len(values)
        if np.linalg.eigvalsh(covariance)[0] < 1e-12:
            return None
        return cls(mean, scale, np.linalg.cholesky(covariance))

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Log-densities ``[rows]`` in nats."""
        scaled = (values.astype(np.float64) - self.mean) / self.scale
        latent = np.linalg.solve(self.cholesky, scaled.T)
        log_det = np.log(np.diag(self.cholesky)).sum() + np.log(self.scale).sum()
        constant = 0.5 * len(self.mean) * math.log(2 * math.pi)
        return -0.5 * (latent**2).sum(axis=0) - constant - log_det


def summary(log_densities: np.ndarray, size: int | None = None) -> dict[str, Any]:
    """Mean of log-densities in nats, its standard error, and bits per dimension.

    Args:
        log_densities: ``[rows]`` in nats.
        size: Number of dimensions; None leaves the bits out.

    Returns:
        JSON values, None where they are not finite.
    """
    values = log_densities.astype(np.float64)
    mean, error = values.mean(), values.std(ddof=1) / math.sqrt(len(values))
    result = {"mean_nats": mean, "standard_error_nats": error}
    if size is not None:
        result["bits_per_dim"] = -mean / (size * math.log(2))
    return {name: float(v) if math.isfinite(v) else None for name, v in result.items()}


def beside_gaussian(flow: "Flow", train: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Measures of a flow of vectors on rows that it has not seen, beside those of a Gaussian.

    Args:
        flow: The flow.
        train: Rows ``[n, D]`` to which the Gaussian is fitted.
        test: Rows ``[m, D]``.

    Returns:
        JSON values: ``test``, ``gaussian`` and ``gain_over_gaussian``, the last two None where the
        rows have no density. Beside them ``remarks``: sentences on what rules the figures; and
        ``scores``: the flow's log-densities ``[m]`` of the test rows.
    """
    size, scores, remarks = test.shape[1], log_density(flow, test), []
    floor = hopeless_below(train)
    hopeless = int((~(scores > floor)).sum())
    if hopeless:
        remarks.append(
            f"{hopeless} of {len(scores)} test rows have practically no density (below "
            f"{floor:g} nats) and rule the mean; they lie beyond all that the flow has learned."
        )
    ruled = held_out.remark(scores)
    remarks += [] if ruled is None else [ruled]
    gaussian, baseline, gain = Gaussian.fit(train), None, None
    if gaussian is None:
        remarks.append("a column is a linear function of others, so the data have no density.")
    else:
        others = gaussian.log_density(test)
        baseline, gain = summary(others, size), summary(scores - others)
    own = summary(scores, size) | held_out.spread(scores) | {"rows_without_density": hopeless}
    measures = {"test": own, "gaussian": baseline, "gain_over_gaussian": gain}
    return measures | {"remarks": remarks, "scores": scores}
