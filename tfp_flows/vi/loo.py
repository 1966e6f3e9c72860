"""How well a model predicts each row from all others, without fitting again.

Sources: Vehtari, Gelman and Gabry 2017, Statistics and Computing 27, arXiv:1507.04544; with draws
that are not the posterior's own, Magnusson, Andersen, Jonasson and Vehtari 2019, arXiv:1904.10679.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.vi import psis
from tfp_flows.vi.estimate import Estimate
from tfp_flows.vi.target import Target

tfd = tfp.distributions
_BATCH = 500


class Loo(NamedTuple):
    """Leave-one-out predictive densities.

    Attributes:
        elpd: Sum over rows of the log-density of each given all others, in nats; the error is that
            of such a sum over other rows.
        parameters: The effective number of them: how much better rows are predicted by a posterior
            that saw them.
        rows: A line a row: ``elpd``, ``k_hat`` and ``trusted``, whether that allows to trust it.
    """

    elpd: Estimate
    parameters: float
    rows: pd.DataFrame

    @property
    def good(self) -> bool:
        """Whether every row can be trusted."""
        return bool(self.rows["trusted"].all())

    def __str__(self):
        text = f"Leave-one-out log-density {self.elpd}, {self.parameters:.1f} effective parameters."
        wrong = self.rows.index[~self.rows["trusted"]]
        if not len(wrong):
            return f"{text} Good: k-hat of all {len(self.rows)} rows is low enough."
        shown = ", ".join(map(str, wrong[:10])) + (", ..." if len(wrong) > 10 else "")
        return (
            f"{text} Not good: of {len(wrong)} of {len(self.rows)} rows ({shown}) k-hat is too "
            "high, so that the model without them is too far from the one with them; fit without "
            "these rows, or with a model that they surprise less."
        )


def leave_one_out(
    target: Target, leaves: Any, log_weights: np.ndarray, rows: str | Callable | None = None
) -> Loo:
    """Leave-one-out densities from weighted draws.

    Args:
        target: The model.
        leaves: Draws of its parts, each ``[n, *shape]``.
        log_weights: Of the draws, model over flow, in nats, ``[n]``.
        rows: See `tfp_flows.vi.Posterior.loo`.

    Raises:
        InputError: If the model does not say what a row is, or a log-density is NaN.
    """
    log_likelihood = _log_likelihood(target, leaves, rows)
    if np.isnan(log_likelihood[np.isfinite(log_weights)]).any():
        raise InputError("The log-likelihood of a row is NaN at a draw of the posterior.")
    with np.errstate(invalid="ignore"):  # zero over zero is a weight of zero
        ratios = log_weights[:, None] - log_likelihood
    smooth, k_hats = zip(*(psis.smoothed(column) for column in ratios.T), strict=True)
    elpd = _log_mean(np.stack(smooth, axis=1), log_likelihood)
    inside = _log_mean(psis.smoothed(log_weights)[0][:, None], log_likelihood)
    limit = psis.threshold(len(log_weights))
    table = pd.DataFrame({"elpd": elpd, "k_hat": k_hats, "trusted": np.array(k_hats) <= limit})
    return Loo(summed(elpd), float((inside - elpd).sum()), table)


def summed(values: np.ndarray) -> Estimate:
    """A sum over rows, and its error from how much they differ, infinite for a single row."""
    count = len(values)
    error = math.sqrt(count) * values.std(ddof=1) if count > 1 else math.inf
    return Estimate(float(values.sum()), float(error))


def _log_mean(log_weights, values) -> np.ndarray:
    """Logarithm of the weighted mean of ``exp(values)``, ``[rows]``."""
    both = np.where(np.isfinite(log_weights), log_weights + values, -np.inf)
    return np.logaddexp.reduce(both) - np.logaddexp.reduce(log_weights)


def _log_likelihood(target: Target, leaves, rows) -> np.ndarray:
    """``[n, rows]`` in nats."""
    function = rows if callable(rows) else _of_joint(target, rows)
    traced = tf.function(
        lambda *parts: function(**dict(zip(target.names, parts, strict=True))), autograph=False
    )
    count, found = len(leaves[0]), []
    for start in range(0, count, _BATCH):
        several = [leaf[start : start + _BATCH] for leaf in leaves]
        found.append(np.asarray(traced(*several), np.float64))
        if found[-1].shape[:1] != several[0].shape[:1] or found[-1].ndim != 2:
            raise InputError(
                "The log-likelihood by rows must have shape [draws, rows], "
                f"({len(several[0])}, ...) here, got {found[-1].shape}."
            )
    return np.concatenate(found)


def _of_joint(target: Target, name: str | None) -> Callable:
    """The log-likelihood by rows of one observed part, as a function of the others."""
    if target.joint is None:
        raise InputError(
            "A function does not say what a row is; give rows, a function of the same parts that "
            "returns log-likelihoods [draws, rows]."
        )
    joint, pins = target.joint.distribution, target.joint.pins
    if name is None and len(pins) > 1:
        raise InputError(f"Several parts are observed, {', '.join(pins)}; name the one with rows.")
    name = next(iter(pins)) if name is None else name
    if name not in pins:
        raise unknown_name("observed part", name, pins)
    top = target.joint._flat_resolve_names()

    def of_draw(leaves):
        structure = target.parts.structured(leaves)
        if hasattr(structure, "_asdict"):
            structure = structure._asdict()
        if not isinstance(structure, dict):
            structure = dict(zip(top, structure, strict=True))
        made, _ = joint.sample_distributions(seed=(0, 0), **structure, **pins)
        by_name = dict(zip(joint._flat_resolve_names(), _top_level(made), strict=True))
        return _by_row(by_name[name], pins[name], name)

    return lambda **parts: tf.vectorized_map(of_draw, [parts[name] for name in target.names])


def _top_level(made) -> list:
    return list(made.values()) if isinstance(made, dict) else list(made)


def _by_row(distribution, value, name: str) -> tf.Tensor:
    """Log-densities ``[rows]`` of a value, rows along its first axis."""
    while isinstance(distribution, tfd.Independent | tfd.Sample):
        if isinstance(distribution, tfd.Sample) and distribution.batch_shape.rank != 0:
            break  # its batch and its rows would change places
        distribution = distribution.distribution
    log_prob = distribution.log_prob(value)
    if log_prob.shape.rank == 0:
        raise InputError(
            f"The observed {name!r} has one density, not one for each row; give rows, a function "
            "of the parts that returns log-likelihoods [draws, rows]."
        )
    return tf.reduce_sum(log_prob, axis=list(range(1, log_prob.shape.rank)))
