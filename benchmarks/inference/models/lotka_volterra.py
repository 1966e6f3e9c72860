"""Hares and lynxes by the equations of Lotka and Volterra."""

import tensorflow as tf

from benchmarks.inference.models.pieces import (
    Root,
    joint,
    real,
    restricted_normal,
    tfb,
    tfd,
)

STEPS = 16  # Of Runge and Kutta a year.


def _log_populations(theta, z_init, years: int) -> tf.Tensor:
    """Logarithms of both after 1, 2, ... years, ``[..., years, 2]``."""
    rates = tf.stack([theta[..., 0], -theta[..., 2]], axis=-1)
    # Of hares by lynxes, of lynxes by hares.
    losses = tf.stack([-theta[..., 1], theta[..., 3]], axis=-1)
    step = real(1 / STEPS)

    def slope(z):
        return rates + losses * tf.exp(tf.reverse(z, [-1]))

    def advance(z, _):
        k1 = slope(z)
        k2 = slope(z + step / 2 * k1)
        k3 = slope(z + step / 2 * k2)
        k4 = slope(z + step * k3)
        return z + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    path = tf.scan(advance, tf.zeros([years * STEPS], z_init.dtype), tf.math.log(z_init))
    return tf.stack(tf.unstack(path[STEPS - 1 :: STEPS], num=years), axis=-2)


def model(data):
    """Of ``y``, ``[N, 2]``, at the years 1, ..., N, and ``y_init`` at 0."""

    def law():
        theta = yield restricted_normal(
            "theta", [1, 0.05, 1, 0.05], [0.5, 0.05, 0.5, 0.05], tfb.Exp()
        )
        spread = real([1.0, 1.0])
        z_init = yield Root(
            tfd.Independent(tfd.LogNormal(tf.math.log(10 * spread), spread), 1, name="z_init")
        )
        sigma = yield Root(tfd.Independent(tfd.LogNormal(-spread, spread), 1, name="sigma"))
        loc = _log_populations(theta, z_init, data["N"])
        start = tfd.LogNormal(tf.math.log(z_init), sigma)
        yield tfd.Independent(start, 1, name="y_init")
        later = tfd.LogNormal(loc, sigma[..., tf.newaxis, :])
        yield tfd.Independent(later, 2, name="y")

    return joint(law, y_init=data["y_init"], y=data["y"])
