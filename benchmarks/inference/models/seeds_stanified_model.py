"""Germinated seeds by two factors, with an effect of each plate."""

import tensorflow as tf

from benchmarks.inference.models.pieces import half_cauchy, joint, normal, real, tfd


def model(data):
    """Of ``n`` germinated of ``N`` on each of ``I`` plates, with factors ``x1``, ``x2``."""
    x1, x2 = real(data["x1"]), real(data["x2"])
    columns = {"alpha0": tf.ones_like(x1), "alpha1": x1, "alpha2": x2, "alpha12": x1 * x2}

    def law():
        logits = 0
        for name, column in columns.items():
            value = yield normal(name, 0, 1)
            logits += value[..., tf.newaxis] * column
        sigma = yield half_cauchy("sigma", 1)
        scale = sigma[..., tf.newaxis] + tf.zeros(data["I"], sigma.dtype)
        b = yield tfd.Independent(tfd.Normal(real(0), scale), 1, name="b")
        logits += b
        yield tfd.Independent(tfd.Binomial(real(data["N"]), logits=logits), 1, name="n")

    return joint(law, n=data["n"])
