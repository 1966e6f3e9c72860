"""Checks of a whole distribution."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.testing.failure import CheckFailed, require, require_close
from tfp_flows.testing.jacobian import autodiff_log_det
from tfp_flows.testing.subject import draw

tfd = tfp.distributions
_SEED = (0, 1)
_FEWEST_CELLS = 300


def density(flow, tolerance: float) -> None:
    """The density is the base's, moved by autodiff's Jacobian, and of its own samples too."""
    context = _context(flow, (5,))
    z = flow.distribution.sample(5, seed=_SEED)
    x = flow.from_latent(z, context)
    expected = flow.distribution.log_prob(z) + autodiff_log_det(flow.to_latent, x, context)
    of = "base plus log-det by autodiff"
    require_close(flow.log_prob(x, context), expected, tolerance, "log_prob", of, at=x)
    require_close(flow.to_latent(x, context), z, tolerance, "to_latent(from_latent(z))", "z", at=z)
    prob = flow.prob(x, context)
    require_close(prob, np.exp(expected), 10 * tolerance, "prob", "exp(log_prob)", at=x)
    context = _context(flow, ())
    sample, log_prob = flow.sample_and_log_prob(5, context, seed=_SEED)
    of = "log_prob at the samples"
    own = flow.log_prob(sample, context)
    require_close(log_prob, own, tolerance, "the density of sample_and_log_prob", of, at=sample)
    again = flow.sample(5, context, seed=_SEED)
    same = flow.sample(5, context, seed=_SEED)
    require(np.array_equal(again, same), "two samples of one seed differ.")
    require_close(again, sample, tolerance, "sample", "that of sample_and_log_prob, same seed")


def integral(flow, *, cells: int, tolerance: float = 0.01, box=None) -> bool:
    """The density of a vector of 2 has the mass of the samples that lie in a box.

    Args:
        flow: Of event shape ``(2,)``, without context.
        cells: Cells of the grid along each axis.
        tolerance: Bound on the difference of masses.
        box: Low and high corner; around nearly all samples by default.

    Returns:
        Whether it could be judged: not where the samples lie in so few cells that the grid does
        not resolve the density.
    """
    samples = flow.sample(20_000, seed=_SEED).numpy()
    # Not all of them: some flows have tails so long that no grid resolves both them and the rest.
    low, first, last, high = np.quantile(samples, [0.005, 0.25, 0.75, 0.995], axis=0)
    reach = 5 * (last - first)
    low, high = np.maximum(low, first - reach), np.minimum(high, last + reach)
    low, high = low - 0.4 * np.minimum(high - low, 1), high + 0.4 * np.minimum(high - low, 1)
    low, high = (low, high) if box is None else box
    inside = np.mean(np.all((samples > low) & (samples < high), axis=1))
    edges = [np.linspace(a, b, cells + 1) for a, b in zip(low, high, strict=True)]
    occupied, *_ = np.histogram2d(*samples.T, bins=edges)
    if np.count_nonzero(occupied) < _FEWEST_CELLS:
        return False
    centres = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    grid = np.stack(np.meshgrid(*centres), axis=-1).reshape(-1, 2)
    grid = grid.astype(flow.dtype.as_numpy_dtype)
    log_prob = tf.function(flow.log_prob)
    values = np.exp(np.concatenate([log_prob(part) for part in np.array_split(grid, 10)]))
    mass = values.sum(dtype=np.float64) * np.prod((high - low) / cells)
    require(inside > 0.9, f"only {inside:.1%} of the samples lie in the box of the grid.")
    require(
        abs(mass - inside) <= tolerance,
        f"the density integrates to {mass:.4f} where {inside:.4f} of the samples lie.",
    )
    return True


def conditional(flow, tolerance: float) -> None:
    """A context acts on each event alone, matters, and must be given."""
    context = _context(flow, (4,))
    if context is None:
        return
    x = draw((4, *flow.event_shape), flow.dtype)
    log_prob = flow.log_prob(x, context)
    require(log_prob.shape == (4,), f"log_prob has shape {log_prob.shape}, expected (4,).")
    alone = [flow.log_prob(x[i], context[i]) for i in range(4)]
    of = "that of each event alone"
    require_close(log_prob, alone, tolerance, "log_prob of a batch with contexts", of, at=x)
    moved = flow.log_prob(x, context + 1)
    require(not np.allclose(moved, log_prob), "log_prob ignores the context: two give one value.")
    given = flow.given(context).log_prob(x)
    require_close(given, log_prob, tolerance, "log_prob of given(context)", "log_prob", at=x)
    for call in (lambda: flow.log_prob(x), lambda: flow.sample(3)):
        try:
            call()
        except ValueError:
            continue
        raise CheckFailed("a missing context is taken without an error.")


def distribution(flow, tolerance: float) -> None:
    """It is a distribution of TFP: inside others, as an argument of a compiled function."""
    require(isinstance(flow, tfd.TransformedDistribution), "it is no TransformedDistribution.")
    context = _context(flow, ())
    flow = flow if context is None else flow.given(context)
    sample, log_prob = flow.experimental_sample_and_log_prob(4, seed=_SEED)
    of = "log_prob at the samples"
    own = flow.log_prob(sample)
    require_close(log_prob, own, 10 * tolerance, "experimental_sample_and_log_prob", of, at=sample)
    pair = tf.reshape(sample, [2, 2, *flow.event_shape])
    expected = tf.reduce_sum(tf.reshape(own, [2, 2]), axis=1)
    repeated = tfd.Sample(flow, 2).log_prob(pair)
    require_close(repeated, expected, tolerance, "log_prob in a tfd.Sample", "the sum of its own")
    program = tf.function(lambda distribution, value: distribution.log_prob(value))
    what = "log_prob of the flow as an argument of a tf.function"
    require_close(program(flow, sample), own, tolerance, what, "log_prob")


def gradient_at_samples(flow, tolerance: float) -> None:
    """The gradient of log_prob at an own sample is that at an equal, fresh tensor."""
    context = _context(flow, ())
    slopes = []
    sample = flow.sample(4, context, seed=_SEED)
    for value in (sample, tf.identity(sample)):
        with tf.GradientTape() as tape:
            tape.watch(value)
            log_prob = flow.log_prob(value, context)
        slopes.append(tape.gradient(log_prob, value))
    require(slopes[0] is not None, "log_prob has no gradient at an own sample.")
    require_close(*slopes, tolerance, "the gradient of log_prob at an own sample", "a fresh one's")


def _context(flow, shape):
    if flow.context_shape is None:
        return None
    return draw((*shape, *flow.context_shape), flow.dtype, seed=2)
