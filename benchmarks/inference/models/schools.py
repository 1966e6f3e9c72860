"""What both forms of the eight schools share."""

from benchmarks.inference.models.pieces import half_cauchy, normal, real, tfd


def hyper():
    """Priors of the schools' mean and scale, as a generator of them."""
    mu = yield normal("mu", 0, 5)
    tau = yield half_cauchy("tau", 5)
    return mu, tau


def effects(theta, sigma) -> tfd.Distribution:
    """What is seen of the schools' effects ``[..., schools]``, with known errors."""
    return tfd.Independent(tfd.Normal(theta, real(sigma)), 1, name="y")
