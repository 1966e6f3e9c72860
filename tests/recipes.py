"""One small flow of each recipe of the catalogue."""

import inspect

from tfp_flows import flows
from tfp_flows.flows.catalogue import RECIPES


def build(name, size, **options):
    """A small flow of a recipe, for events of a size (height and width of an image)."""
    if RECIPES[name].event == "recording":
        own = {"hop": 32} if 2 in RECIPES[name].context else {"context_shape": 3}
        return flows.FLOWS[name](hidden_units=[4], depth=1, **own | options)
    shape = {"vector": size, "image": (size, size, 1), "feature": (size, size, 2)}
    shape = shape[RECIPES[name].event]
    small = {"num_levels": 1, "depth": 1, "num_couplings": 1, "num_layers": 2, "hidden_units": [4]}
    known = inspect.signature(flows.FLOWS[name]).parameters
    small = {key: value for key, value in small.items() if key in known}
    return flows.FLOWS[name](event_shape=shape, **small | options)
