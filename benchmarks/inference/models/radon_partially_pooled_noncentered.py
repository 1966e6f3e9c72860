"""Radon by county, effects standardised."""

from benchmarks.inference.models import radon
from benchmarks.inference.models.pieces import joint


def model(data):
    """Of ``log_radon``, ``county_idx`` and the number ``J`` of counties."""

    def law():
        alpha = yield from radon.counties("alpha", data["J"])
        yield from radon.measured(radon.of_rows(data, alpha))

    return joint(law, log_radon=data["log_radon"])


def transformed(data, parameters):
    """The counties' effects, their mean and scales."""
    return {"sigma_y": parameters["sigma_y"]} | radon.effects("alpha", parameters)
