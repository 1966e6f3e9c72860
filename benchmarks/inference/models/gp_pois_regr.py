"""Counts by a Gaussian process of the logarithm of their rate."""

import tensorflow as tf

from benchmarks.inference.models.pieces import Root, half_normal, joint, normal, real, tfd


def _curve(data, rho, alpha, f_tilde):
    x = real(data["x"])
    apart = (x[:, tf.newaxis] - x) ** 2
    rho, alpha = (value[..., tf.newaxis, tf.newaxis] for value in (rho, alpha))
    covariance = alpha**2 * tf.exp(-apart / (2 * rho**2)) + 1e-10 * tf.eye(
        x.shape[0], dtype=x.dtype
    )
    return tf.linalg.matvec(tf.linalg.cholesky(covariance), f_tilde)


def model(data):
    """Of the counts ``k`` at ``x``."""

    def law():
        rho = yield Root(tfd.Gamma(real(25), real(4), name="rho"))
        alpha = yield half_normal("alpha", 2)
        f_tilde = yield normal("f_tilde", 0, 1, data["N"])
        log_rate = _curve(data, rho, alpha, f_tilde)
        yield tfd.Independent(tfd.Poisson(log_rate=log_rate), 1, name="k")

    return joint(law, k=data["k"])


def transformed(data, parameters):
    """The curve, its length and its height."""
    rho, alpha = parameters["rho"], parameters["alpha"]
    return {"rho": rho, "alpha": alpha, "f": _curve(data, rho, alpha, parameters["f_tilde"])}
