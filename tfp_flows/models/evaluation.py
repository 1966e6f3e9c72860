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
    return Density(flow)(values)


class Density:
    """The log-density of a flow as a function of arrays of any length, by one program.

    Of arrays that become much longer it is made anew, up to batches of 10,000.

    Args:
        flow: The flow.
    """

    def __init__(self, flow: "Flow"):
        self._flow, self._size = flow, 0
        self._compiled = tf.function(lambda x: flow.log_prob(x), autograph=False)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Log-densities ``[rows]`` in nats of ``values`` ``[rows, *event_shape]``."""
        if len(values) > 1.5 * self._size:
            # Of few rows until now: the program for them would take long for many.
            self._size = min(len(values), _BATCH)
        starts = range(0, len(values), self._size or 1)
        found = [
            self._batch(values[i : i + self._size]) for i in tracked(starts, "Scoring", len(starts))
        ]
        return np.concatenate(found) if found else np.zeros([0], self._flow.dtype.as_numpy_dtype)

    def _batch(self, part):
        # Batches of one size, the last filled up, so that the function is traced only once.
        filled = np.concatenate([part, np.repeat(part[-1:], self._size - len(part), axis=0)])
        return self._compiled(tf.constant(filled, self._flow.dtype)).numpy()[: len(part)]


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


def draw(flow: "Flow", count: int, seed: int, **options) -> np.ndarray:
    """Samples ``[count, *event_shape]``, the same for the same arguments; notes strange ones.

    Args:
        flow: The flow.
        count: Number of samples.
        seed: Seed.
        **options: Further arguments of `Draws`.
    """
    draws = Draws(flow, count, seed, **options)
    values = draws(0, count)
    draws.note_strange()
    return values


class Draws:
    """Samples by their numbers, the same whichever part of them is drawn when.

    Args:
        flow: The flow.
        count: Number of samples.
        seed: Seed.
        contexts: ``[count, *context_shape]``, one for each sample.
        temperature: See `Flow.sample`.
        batch: Samples drawn at a time, each batch by a seed of its own.

    Attributes:
        batch: Samples drawn at a time.
    """

    def __init__(
        self,
        flow: "Flow",
        count: int,
        seed: int,
        *,
        contexts: np.ndarray | None = None,
        temperature: float = 1.0,
        batch: int = _BATCH,
    ):
        self.batch, self._count, self._seed = min(count, batch), count, seed
        self._contexts, self._most = contexts, batch
        self._strange = self._drawn = 0

        def sample(pair, context):
            shape = self.batch if context is None else ()
            return flow.sample(shape, context, seed=pair, temperature=temperature)

        self._compiled = tf.function(sample, autograph=False)

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """The samples from ``start``, a multiple of `batch`, up to ``stop``."""
        starts = range(start, stop, self.batch)
        parts = [self._part(i) for i in tracked(starts, "Sampling", len(starts))]
        values = np.concatenate(parts)[: stop - start]
        self._strange += int((~np.isfinite(values).reshape(len(values), -1).all(axis=1)).sum())
        self._drawn += len(values)
        return values

    def _part(self, start):
        context = None
        if self._contexts is not None:
            shape = (self._most, *self._contexts.shape[1:])
            context = tf.constant(np.resize(self._contexts[start:], shape))
        pair = tf.constant([self._seed, start // self.batch], tf.int32)
        return self._compiled(pair, context).numpy()

    def note_strange(self) -> None:
        """Notes how many of the samples are not finite."""
        if self._strange:
            note(f"{self._strange:,} of {self._drawn:,} samples are not finite.")


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


def beside_gaussian(
    flow: "Flow", train: np.ndarray, test: np.ndarray, rows: np.ndarray | None = None
) -> dict[str, Any]:
    """Measures of a flow of vectors on rows that it has not seen, beside those of a Gaussian.

    Args:
        flow: The flow.
        train: Rows ``[n, D]`` to which the Gaussian is fitted.
        test: Rows ``[m, D]``.
        rows: ``[m]``, their numbers in the file, counted from 1, if they are of one.

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
    ruled = held_out.remark(scores, rows)
    remarks += [] if ruled is None else [ruled]
    gaussian, baseline, gain = Gaussian.fit(train), None, None
    if gaussian is None:
        remarks.append("a column is a linear function of others, so the data have no density.")
    else:
        others = gaussian.log_density(test)
        baseline, gain = summary(others, size), summary(scores - others)
    own = summary(scores, size) | held_out.spread(scores, rows) | {"rows_without_density": hopeless}
    measures = {"test": own, "gaussian": baseline, "gain_over_gaussian": gain}
    return measures | {"remarks": remarks, "scores": scores}
