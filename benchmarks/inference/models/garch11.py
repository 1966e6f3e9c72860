"""A GARCH(1, 1) series."""

import tensorflow as tf

from benchmarks.inference.models.pieces import (
    Restricted,
    Root,
    flat,
    joint,
    positive,
    real,
    tfb,
    tfd,
    tfp,
)


def model(data):
    """Of the series ``y`` and the first deviation ``sigma1``."""
    y, share = real(data["y"]), (real(0), real(1))

    def deviations(mu, alpha0, alpha1, beta1):
        # s[t]^2 = added[t] + beta1 s[t-1]^2, all steps at once.
        shocks = alpha0 + alpha1 * (y[:-1] - mu) ** 2
        first = tf.zeros_like(mu) + real(data["sigma1"]) ** 2
        added = tf.concat([first, shocks], axis=-1)
        kept = tf.broadcast_to(beta1, tf.shape(added))
        _, squares = tfp.math.scan_associative(
            lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1]), (kept, added), axis=-1
        )
        return tf.sqrt(squares)

    def law():
        mu = yield flat("mu")
        alpha0 = yield positive("alpha0")
        alpha1 = yield Root(tfd.Uniform(*share, name="alpha1"))
        below = tfb.Sigmoid(tf.zeros_like(alpha1), 1 - alpha1)
        beta1 = yield Restricted(tfd.Uniform(*share), below, name="beta1")
        parameters = [value[..., tf.newaxis] for value in (mu, alpha0, alpha1, beta1)]
        yield tfd.Independent(tfd.Normal(parameters[0], deviations(*parameters)), 1, name="y")

    return joint(law, y=y)
