"""Which columns speak against a row: each one's log-density given all the others."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bases import UniformTorus
from tfp_flows.errors import InputError
from tfp_flows.terminal import tracked

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_BATCH = 10_000
_ROWS = 1_000
_SAMPLES = 4_096
# Not the farthest samples: tails of some flows reach to 1e30.
_LEVELS = (0.003, 0.01, 0.03, 0.07, *np.arange(1, 10) / 10, 0.93, 0.97, 0.99, 0.997)
# Beyond them, in units of their range: what is given may be odd, and take its partner along.
_BEYOND = np.array([0.05, 0.2, 1.0, 4.0, 16.0, 64.0])
_ROUNDS, _POINTS = 4, 20


class ColumnDrops(NamedTuple):
    """What each column says of each row, float64.

    Attributes:
        drops: ``[rows, columns]``, in nats; see `column_drops`.
        expected: ``[rows, columns]``, the median of the column given the others, in its own units.
    """

    drops: np.ndarray
    expected: np.ndarray


def column_drops(
    flow: "Flow", values: np.ndarray, context: np.ndarray | None = None, *, seed: int = 0
) -> ColumnDrops:
    """How much log-density a row would have more, had one column its usual value.

    Of column ``j`` of a row ``x``, with all others as they are,

        drop_j = E[log p(t, x_others)] - log p(x),    t drawn from p(t | x_others),

    which is ``-log p(x_j | x_others)`` less the entropy of that conditional density: on average 0
    for rows of the flow, in nats, the same in every unit of the column. Of a Gaussian it is
    ``(z**2 - 1) / 2``, where ``z`` is the distance of ``x_j`` from its conditional mean in
    conditional deviations. It needs densities alone, so it is the same thing for every flow. The
    terms of an autoregressive flow are not used: each knows the columns before it alone, and after
    a second layer in another order they are no conditional densities of columns.

    The conditional density is that of the flow, normalised by the trapezoidal rule on about a
    hundred points: quantiles of the column among samples of the flow, points far beyond them, the
    row's own value, and then thrice more points where the mass has been found. A peak between
    these that is much narrower than the column can be missed.

    Where two columns contradict each other, both get a drop: either could be the wrong one.

    Args:
        flow: A flow of vectors.
        values: Rows ``[rows, columns]``.
        context: ``[rows, *context_shape]`` for a conditional flow.
        seed: Seed of the samples.

    Returns:
        The drops, infinite where another value of that column alone makes an impossible row
        possible, and 0, with an expected value that is not a number, where none does.

    Raises:
        InputError: If the flow is not of vectors, values or context do not fit it, or its context
            is of several arrays.
    """
    if len(flow.event_shape) != 1 or flow.event_shape[0] is None:
        raise InputError(
            f"Columns are those of flows of vectors, and {flow.name} is of events of shape "
            f"{tuple(flow.event_shape)}."
        )
    values = np.asarray(values)
    if values.ndim != 2 or values.shape[1] != flow.event_shape[0]:
        raise InputError(
            f"The values have shape {values.shape}; give [rows, {flow.event_shape[0]}] to "
            f"{flow.name}."
        )
    if isinstance(flow.context_shape, dict):
        raise InputError(
            f"{flow.name} takes several arrays as context; build it with a context of one array."
        )
    if (context is None) != (flow.context_shape is None):
        raise InputError(
            f"{flow.name} takes {'no' if flow.context_shape is None else 'a'} context; "
            f"{'leave it out' if context is not None else 'give one for each row'}."
        )
    dtype = flow.dtype.as_numpy_dtype
    values = values.astype(dtype)
    context = None if context is None else _rows_of(context, len(values))
    density = _density(flow)
    samples = _samples(flow, context, seed)
    periodic = isinstance(flow.distribution, UniformTorus)
    results = []
    for start in tracked(range(0, len(values), _ROWS), "Columns", -(-len(values) // _ROWS)):
        part = slice(start, start + _ROWS)
        given = None if context is None else context[part]
        own = density(values[part], given)
        columns = []
        for j in range(values.shape[1]):
            grid = _first_points(samples[:, j], values[part, j], periodic)
            columns.append(_drop(density, values[part], given, j, own, grid))
        results.append(np.stack(columns, axis=-1))
    drops, expected = np.concatenate(results, axis=1) if results else np.zeros((2, *values.shape))
    return ColumnDrops(drops, expected)


def _rows_of(context, count: int) -> np.ndarray:
    context = np.asarray(shapes.checked_array(context, "context"))
    if len(context) != count:
        raise InputError(f"There are {count:,} rows and {len(context):,} contexts; give as many.")
    return context


def _samples(flow, context, seed: int) -> np.ndarray:
    """Rows of the flow that are finite, over all contexts."""
    from tfp_flows.models.evaluation import draw

    contexts = None
    if context is not None:
        contexts = np.resize(context, (_SAMPLES, *context.shape[1:]))
    samples = draw(flow, _SAMPLES, seed, contexts=contexts, batch=_SAMPLES).astype(np.float64)
    return samples[np.isfinite(samples).all(axis=1)]


def _density(flow):
    """Log-densities in batches of one size, so that the flow is traced once."""

    @tf.function(autograph=False, reduce_retracing=True)
    def compiled(x, context):
        return flow.log_prob(x, context)

    def density(values, context):
        found = []
        for start in range(0, len(values), _BATCH):
            part = slice(start, start + _BATCH)
            given = None if context is None else context[part]
            found.append(compiled(tf.constant(values[part]), given).numpy())
        found = np.concatenate(found).astype(np.float64)
        return np.where(np.isnan(found), -np.inf, found)

    return density


def _first_points(samples, own, periodic: bool) -> np.ndarray:
    """``[rows, points]``, in order: where the column lies, far beyond, and its own value."""
    usual = np.quantile(samples, (0.0, *_LEVELS, 1.0) if periodic else _LEVELS)
    low, high = usual[0], usual[-1]
    if periodic:
        # The density repeats beyond one period, which the samples fill.
        return np.tile(usual, (len(own), 1))
    beyond = (high - low) * _BEYOND
    usual = np.concatenate([low - beyond[::-1], usual, high + beyond])
    return np.sort(np.concatenate([np.tile(usual, (len(own), 1)), own[:, None]], axis=1), axis=1)


def _drop(density, rows, context, j: int, own, points) -> np.ndarray:
    """``[2, rows]``: the drop of one column, and its median given the others."""

    def at(points):
        count = points.shape[1]
        replaced = np.repeat(rows, count, axis=0)
        replaced[:, j] = points.ravel()
        given = None if context is None else np.repeat(context, count, axis=0)
        return density(replaced, given).reshape(points.shape)

    levels = (np.arange(_POINTS) + 0.5) / _POINTS
    points = points.astype(rows.dtype)
    logs = at(points)
    for _ in range(_ROUNDS):
        # By the root of the density, which is wider, so that its tails are seen.
        mass = _cumulative(points, logs / 2)
        new = np.stack([np.interp(levels, m, p) for m, p in zip(mass, points, strict=True)])
        new = new.astype(rows.dtype)
        points = np.concatenate([points, new], axis=1)
        logs = np.concatenate([logs, at(new)], axis=1)
        order = np.argsort(points, axis=1)
        points, logs = (np.take_along_axis(array, order, axis=1) for array in (points, logs))
    mass = _cumulative(points, logs)
    possible = np.isfinite(logs.max(axis=1))
    weights = np.diff(mass, axis=1)
    # The mean over each cell of log p by p, which is 0 where p is.
    heights = np.exp(logs - np.where(possible, logs.max(axis=1), 0.0)[:, None])
    products = heights * np.where(heights > 0, logs, 0.0)
    sums, totals = heights[:, 1:] + heights[:, :-1], products[:, 1:] + products[:, :-1]
    mean = (weights * totals / np.where(sums > 0, sums, 1.0)).sum(axis=1)
    median = [np.interp(0.5, m, p) for m, p in zip(mass, points.astype(np.float64), strict=True)]
    drop = np.where(possible, mean - np.where(possible, own, 0.0), 0.0)
    return np.stack([drop, np.where(possible, median, np.nan)])


def _cumulative(points, logs) -> np.ndarray:
    """The share of the mass up to each point, by the trapezoidal rule; even where there is none."""
    largest = logs.max(axis=1, keepdims=True)
    heights = np.exp(logs - np.where(np.isfinite(largest), largest, 0.0))
    widths = np.diff(points.astype(np.float64), axis=1)
    cells = widths * (heights[:, 1:] + heights[:, :-1]) / 2
    total = cells.sum(axis=1, keepdims=True)
    cells = np.where(total > 0, cells / np.where(total > 0, total, 1.0), 1 / cells.shape[1])
    return np.concatenate([np.zeros((len(cells), 1)), np.cumsum(cells, axis=1)], axis=1)
