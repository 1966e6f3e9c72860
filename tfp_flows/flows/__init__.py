"""Flows: recipes that return a whole distribution.

`FLOWS` maps names to recipes, `get` looks one up; `catalogue` says what is known of each without
importing TensorFlow.
"""

import importlib

__all__ = [
    "FLOWS",
    "Flow",
    "attribute_direction",
    "bernstein",
    "blow",
    "bnaf",
    "cflow",
    "circular_nsf",
    "fastflow",
    "feature_maps",
    "ffjord",
    "gaussianization",
    "get",
    "glow",
    "iaf",
    "interpolate",
    "maf",
    "naf",
    "nice",
    "nsf",
    "planar",
    "radial",
    "realnvp",
    "realnvp_image",
    "reconstruct",
    "residual",
    "softsign_bimodal",
    "sos",
    "standard_normal",
    "super_resolution",
    "sylvester",
    "waveglow",
]


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module 'tfp_flows.flows' has no attribute {name!r}")
    # All at once: only classes whose module was imported are rebuilt from files.
    public = importlib.import_module("tfp_flows.flows.public")
    globals().update({known: getattr(public, known) for known in __all__})
    return globals()[name]


def __dir__():
    return __all__
