"""Answers of persons to items that differ in difficulty and discrimination."""

import tensorflow as tf

from benchmarks.inference.models.pieces import half_cauchy, joint, normal, real, tfd


def _each(distribution, size, name):
    """Independent numbers for each entry, given parameters ``[...]``."""
    parameters = [
        value[..., tf.newaxis] + tf.zeros(size, value.dtype) for value in distribution[1:]
    ]
    return tfd.Independent(distribution[0](*parameters), 1, name=name)


def model(data):
    """Of ``y``, ``[I, J]``: whether person j answered item i."""
    items, persons = data["I"], data["J"]

    def law():
        sigma_theta = yield half_cauchy("sigma_theta", 2)
        zero = tf.zeros_like(sigma_theta)
        theta = yield _each((tfd.Normal, zero, sigma_theta), persons, "theta")
        sigma_a = yield half_cauchy("sigma_a", 2)
        a = yield _each((tfd.LogNormal, zero, sigma_a), items, "a")
        mu_b = yield normal("mu_b", 0, 5)
        sigma_b = yield half_cauchy("sigma_b", 2)
        b = yield _each((tfd.Normal, mu_b, sigma_b), items, "b")
        able = theta[..., tf.newaxis, :] - b[..., tf.newaxis]
        logits = a[..., tf.newaxis] * able
        yield tfd.Independent(tfd.Bernoulli(logits=logits, dtype=real(0).dtype), 2, name="y")

    return joint(law, y=data["y"])
