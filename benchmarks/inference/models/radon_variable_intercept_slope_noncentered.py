"""Radon by county and floor, both effects by county and standardised."""

from benchmarks.inference.models import radon
from benchmarks.inference.models.pieces import joint, real


def model(data):
    """Of ``log_radon``, ``county_idx``, ``floor_measure`` and the number ``J`` of counties."""

    def law():
        alpha = yield from radon.counties("alpha", data["J"])
        beta = yield from radon.counties("beta", data["J"])
        slope = radon.of_rows(data, beta) * real(data["floor_measure"])
        yield from radon.measured(radon.of_rows(data, alpha) + slope)

    return joint(law, log_radon=data["log_radon"])


def transformed(data, parameters):
    """The counties' effects, their means and scales."""
    effects = radon.effects("alpha", parameters) | radon.effects("beta", parameters)
    return effects | {"sigma_y": parameters["sigma_y"]}
