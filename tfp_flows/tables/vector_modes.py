"""The most probable row of a flow of numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_STARTS, _STEPS = 8, 300
# In deviations of a column: the first step and the last.
_FIRST, _LAST = 0.1, 1e-4
_DECAYS = 0.9, 0.99


def vector_mode(flow: "Flow", draws: np.ndarray, given: Mapping[int, float]) -> np.ndarray:
    """Searches for the row of the highest density given any columns.

    The likeliest of ``draws`` climb the density by the gradient (Adam, Kingma and Ba 2015, steps
    that fall), within the range of the draws: beyond them a density may rise without end.

    Args:
        flow: The flow, of vectors ``[D]``, without a context.
        draws: Rows ``[n, D]`` of the flow given these columns.
        given: Values by number of column.

    Returns:
        The row ``[D]``, the best that was found.
    """
    dtype = flow.dtype.as_numpy_dtype
    draws = np.asarray(draws, dtype)
    width = draws.std(axis=0)
    width[list(given)] = 0
    low, high = draws.min(axis=0), draws.max(axis=0)
    scores = _finite(flow.log_prob(draws).numpy())
    best = np.argsort(-scores, kind="stable")[:_STARTS]
    rows, top = draws[best], scores[best]

    @tf.function(autograph=False)
    def value_and_slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = flow.log_prob(x)
        return found, tape.gradient(found, x)

    x, mean, square = rows.copy(), np.zeros_like(rows), np.zeros_like(rows)
    for k in range(1, _STEPS + 1):
        found, slope = (part.numpy() for part in value_and_slope(tf.constant(x)))
        better = _finite(found) > top
        rows[better], top[better] = x[better], found[better]
        slope = np.nan_to_num(slope * width, posinf=0.0, neginf=0.0)
        mean = _DECAYS[0] * mean + (1 - _DECAYS[0]) * slope
        square = _DECAYS[1] * square + (1 - _DECAYS[1]) * slope**2
        along = mean / (1 - _DECAYS[0] ** k) / (np.sqrt(square / (1 - _DECAYS[1] ** k)) + 1e-8)
        step = _FIRST * (_LAST / _FIRST) ** (k / _STEPS)
        x = np.clip(x + step * along * width, low, high).astype(dtype)
    return rows[np.argmax(top)]


def _finite(scores: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(scores), -np.inf, scores)
