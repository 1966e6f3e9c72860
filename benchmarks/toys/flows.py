"""The flows, at their recipes' own sizes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

FLOWS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "planar": ("planar", {}),
        "radial": ("radial", {}),
        "sylvester": ("sylvester", {}),
        "nice": ("nice", {}),
        "realnvp": ("realnvp", {}),
        "maf": ("maf", {}),
        "nsf": ("nsf", {}),
        "nsf_ar": ("nsf", {"mode": "autoregressive"}),
        "circular_nsf": ("circular_nsf", {}),
        "naf": ("naf", {}),
        "bnaf": ("bnaf", {}),
        "sos": ("sos", {}),
        "bernstein": ("bernstein", {}),
        "gaussianization": ("gaussianization", {}),
        "residual": ("residual", {}),
        "ffjord": ("ffjord", {}),
    }
)
"""Name to a recipe of `tfp_flows.flows` and its arguments."""
