"""Eight schools, each effect given its mean and scale: a funnel."""

import tensorflow as tf

from benchmarks.inference.models import schools
from benchmarks.inference.models.pieces import joint, real, tfd


def model(data):
    """Of ``y``, ``sigma`` and their number ``J``."""

    def law():
        mu, tau = yield from schools.hyper()
        loc = mu[..., tf.newaxis] + tf.zeros(data["J"], mu.dtype)
        theta = yield tfd.Independent(tfd.Normal(loc, tau[..., tf.newaxis]), 1, name="theta")
        yield schools.effects(theta, data["sigma"])

    return joint(law, y=real(data["y"]))
