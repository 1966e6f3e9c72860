"""Cells of rows: what a network sees of them, and masses of classes and intervals."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

CODE, LOW, HIGH, KNOWN = range(4)
"""Entries of a cell: class, both ends of its number, whether it is known."""


def log_shares_of(count: int, share) -> np.ndarray:
    """Logarithms of the shares of classes, equal ones if there are none."""
    share = np.full(count, 1 / count) if share is None else np.asarray(share, np.float64)
    return np.log(np.maximum(share / share.sum(), 1e-6))


def width_of(count: int, number: str) -> int:
    """Number of features of a column, with the one that says that it is known."""
    return 1 + (count if count > 1 else 0) + {"": 0, "circle": 2}.get(number, 1)


def middle_of(cell):
    """The middle of an interval, whose open ends count as far ones."""
    return (_near(cell[..., LOW]) + _near(cell[..., HIGH])) / 2


def _near(z):
    return tf.clip_by_value(z, -6.0, 6.0)


def features_of(cell, count: int, number: str):
    """What the network sees of cells ``[n, 4]``."""
    parts = []
    if count > 1:
        parts.append(tf.one_hot(tf.cast(cell[:, CODE], tf.int32), count, dtype=cell.dtype))
    if number == "circle":
        middle = (cell[:, LOW] + cell[:, HIGH])[:, None] / 2
        parts += [tf.cos(middle), tf.sin(middle)]
    elif number:
        parts.append(middle_of(cell)[:, None])
    return tf.concat(parts, axis=-1)


def _place(code, logits):
    """Of the classes that rows have: the log-probability, that of all before it, its own."""
    chosen = tf.one_hot(tf.cast(code, tf.int32), logits.shape[-1], dtype=logits.dtype)
    log_shares = tf.nn.log_softmax(logits)
    shares = tf.exp(log_shares)
    before = tf.reduce_sum(tf.cumsum(shares, axis=-1, exclusive=True) * chosen, axis=-1)
    log_share = tf.reduce_sum(chosen * log_shares, axis=-1)
    return log_share, before, tf.reduce_sum(shares * chosen, axis=-1)


def of_classes(code, logits, mass, latent, number):
    """Log-masses of classes, with the numbers of the last one, and normal quantiles."""
    log_mass, before, share = _place(code, logits)
    within = tf.fill(tf.shape(code), tf.cast(0.5, logits.dtype))
    if number:
        is_number = code == logits.shape[-1] - 1
        log_mass += tf.where(is_number, mass, tf.zeros_like(mass))
        within = tf.where(is_number, normal_cdf(latent), within)
    return log_mass, tf.math.ndtri(inside(before + share * within))


def ends_of_class(code, logits, ends, number):
    """Quantiles between which a class lies, or within that of numbers between their own."""
    _, before, share = _place(code, logits)
    low, high = tf.zeros_like(share), tf.ones_like(share)
    if number:
        is_number = code == logits.shape[-1] - 1
        low, high = tf.where(is_number, ends[0], low), tf.where(is_number, ends[1], high)
    return before + share * low, before + share * high


def share_of(kind, u):
    """The quantile of what a spline makes of a number."""
    return (u + math.pi) / (2 * math.pi) if kind == "circle" else normal_cdf(u)


def _normal(value):
    return tfp.distributions.Normal(tf.zeros([], value.dtype), 1.0)


def normal_cdf(value):
    """Probability below, of a standard normal variable."""
    return _normal(value).cdf(value)


def inside(share):
    """Shares between 0 and 1, without the ends."""
    # ndtri of 0 and 1 is infinite.
    edge = 1e-7 if share.dtype == tf.float32 else 1e-15
    return tf.clip_by_value(share, edge, 1 - edge)


def log_between(low, high):
    """Logarithm of the probability that a standard normal variable is between two numbers."""
    mirrored = low > 0
    first, last = tf.where(mirrored, -high, low), tf.where(mirrored, -low, high)
    log_cdf = _normal(low).log_cdf
    top = log_cdf(last)
    below = tf.minimum(log_cdf(first) - top, -1e-6)
    return top + tf.math.log1p(-tf.exp(below))
