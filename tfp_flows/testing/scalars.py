"""Checks of transformers: monotone scalar maps."""

import numpy as np
import tensorflow as tf

from tfp_flows.testing.failure import require, require_close


def _at(transformer, points, scale, seed=0):
    """Points, and parameters that are the same at each of them."""
    raw = np.random.default_rng(seed).normal(scale=scale, size=(1, transformer.num_parameters))
    return tf.constant(points), tf.constant(np.repeat(raw, len(points), axis=0))


def round_trip(transformer, points, scale, tolerance) -> None:
    """`inverse` rises or falls all along, and `forward` undoes it."""
    y, parameters = _at(transformer, points, scale)
    x, log_slope = transformer.inverse(y, parameters)
    for what, value in (("value", x), ("log-slope", log_slope)):
        require(
            value.shape == y.shape,
            f"inverse returns a {what} of shape {value.shape} for points of {y.shape}.",
        )
    rises = np.diff(x.numpy())
    wrong = np.flatnonzero(np.sign(rises) != np.sign(rises[0] or 1))
    require(
        not wrong.size, f"inverse is not strictly monotone near {points[wrong[:1]]} of its input."
    )
    back, back_slope = transformer.forward(x, parameters)
    require_close(back, y, tolerance, "forward(inverse(y))", "y", at=y[:, tf.newaxis])
    what, of = "the log-slope of forward", "minus that of inverse"
    require_close(back_slope, -log_slope, 10 * tolerance, what, of, at=y[:, tf.newaxis])


def slopes(transformer, points, scale, tolerance) -> None:
    """Log-slopes are those of autodiff, in both directions."""
    numbers = np.random.default_rng(1).permutation(points)
    x = tf.constant(numbers)
    size = (len(points), transformer.num_parameters)
    parameters = tf.constant(np.random.default_rng(0).normal(scale=scale, size=size))
    for direction in ("inverse", "forward"):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, log_slope = getattr(transformer, direction)(x, parameters)
        expected = np.log(np.abs(tape.gradient(y, x)))
        what, of = f"the log-slope of {direction}", "that of autodiff"
        require_close(log_slope, expected, tolerance, what, of, at=x[:, tf.newaxis])
        # Outputs are inputs of the other direction.
        x = y


CHECKS = {"round_trip": round_trip, "slopes": slopes}
