"""A mixture of two normal distributions, in the order of their means."""

import tensorflow as tf

from benchmarks.inference.models.pieces import (
    Root,
    half_normal,
    joint,
    real,
    restricted_normal,
    tfb,
    tfd,
)


def model(data):
    """Of the values ``y``."""

    def law():
        mu = yield restricted_normal("mu", [0, 0], 2, tfb.Ascending())
        sigma = yield half_normal("sigma", 2, 2)
        theta = yield Root(tfd.Beta(real(5), real(5), name="theta"))
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(probs=tf.stack([theta, 1 - theta], axis=-1)), tfd.Normal(mu, sigma)
        )
        yield tfd.Sample(mixture, data["N"], name="y")

    return joint(law, y=data["y"])
