"""The divergence of a field, exactly or along a random direction."""

from collections.abc import Callable

import tensorflow as tf

from tfp_flows.noise import normal, uniform

NOISES = ("rademacher", "gaussian")


def drawn(noise: str, like: tf.Tensor) -> tf.Tensor:
    """A random direction for each point, of unit covariance and the shape of ``like``."""
    if noise == "gaussian":
        return normal(tf.shape(like), like.dtype)
    heads = uniform(tf.shape(like)) < 0.5
    return tf.where(heads, tf.ones_like(like), -tf.ones_like(like))


def differentiated(
    slope: Callable, x: tf.Tensor, constants: list[tf.Tensor], direction: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A field, its divergence, and the squared Frobenius norm of its Jacobian.

    Without a direction both are exact, from one copy of each point for each row of the Jacobian;
    with one they are estimates without bias (Hutchinson 1990), from one product of it with the
    Jacobian.

    Args:
        slope: Maps ``[n, D]`` and the constants to ``[n, D]``.
        x: The points, ``[n, D]``.
        constants: What else the field depends on, ``[n, ...]`` each.
        direction: ``[n, D]``, of unit covariance, or None.

    Returns:
        ``[n, D]``, ``[n]`` and ``[n]``.
    """
    size = x.shape[-1]
    copies, own, seeds = x, constants, direction
    if direction is None:
        copies = tf.repeat(x, size, axis=0)
        own = [tf.repeat(constant, size, axis=0) for constant in constants]
        seeds = tf.tile(tf.eye(size, dtype=x.dtype), [tf.shape(x)[0], 1])
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(copies)
        value = slope(copies, own)
        along = tf.reduce_sum(value * seeds)
    rows = tape.gradient(along, copies, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    divergence, square = (tf.reduce_sum(part, axis=-1) for part in (rows * seeds, tf.square(rows)))
    if direction is None:
        value = value[::size]
        divergence, square = (
            tf.reduce_sum(tf.reshape(part, [-1, size]), axis=-1) for part in (divergence, square)
        )
    return value, divergence, square
