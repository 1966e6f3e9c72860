"""Summer temperatures by calendar year, not centred: intercept and slope are one number almost."""

import tensorflow as tf

from benchmarks.inference.models.pieces import joint, normal, positive, real, rows


def model(data):
    """Of ``x``, ``y`` and the priors' ``pmualpha``, ``psalpha``, ``pmubeta``, ``psbeta``."""
    x = real(data["x"])

    def law():
        alpha = yield normal("alpha", data["pmualpha"], data["psalpha"])
        beta = yield normal("beta", data["pmubeta"], data["psbeta"])
        sigma = yield positive("sigma")
        yield rows(alpha[..., tf.newaxis] + beta[..., tf.newaxis] * x, sigma, "y")

    return joint(law, y=data["y"])
