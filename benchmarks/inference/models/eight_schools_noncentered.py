"""Eight schools, each effect as a standard normal number moved and scaled."""

from benchmarks.inference.models import schools
from benchmarks.inference.models.pieces import joint, normal


def _effects(theta_trans, mu, tau):
    return mu[..., None] + tau[..., None] * theta_trans


def model(data):
    """Of ``y``, ``sigma`` and their number ``J``."""

    def law():
        mu, tau = yield from schools.hyper()
        theta_trans = yield normal("theta_trans", 0, 1, data["J"])
        yield schools.effects(_effects(theta_trans, mu, tau), data["sigma"])

    return joint(law, y=data["y"])


def transformed(data, parameters):
    """The effects, their mean and scale."""
    mu, tau = parameters["mu"], parameters["tau"]
    return {"theta": _effects(parameters["theta_trans"], mu, tau), "mu": mu, "tau": tau}
