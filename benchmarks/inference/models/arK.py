"""An autoregression of order K, its first values given."""

import tensorflow as tf

from benchmarks.inference.models.pieces import half_cauchy, joint, normal, real, rows


def model(data):
    """Of ``K``, ``T`` and the series ``y``."""
    y, order = real(data["y"]), data["K"]
    lags = tf.stack([y[order - k : len(y) - k] for k in range(1, order + 1)], axis=-1)

    def law():
        alpha = yield normal("alpha", 0, 10)
        beta = yield normal("beta", 0, 10, order)
        sigma = yield half_cauchy("sigma", 2.5)
        loc = alpha[..., tf.newaxis] + tf.tensordot(beta, lags, [[-1], [-1]])
        yield rows(loc, sigma, "y")

    return joint(law, y=y[order:])
