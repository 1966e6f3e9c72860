"""Normalising flows for TensorFlow Probability.

Subpackages: `bijectors`, `transformers`, `networks`, `flows`, `models`, `datasets`, `plotting`.
"""

import importlib

from tfp_flows import bijectors, flows, networks, transformers
from tfp_flows._version import __version__
from tfp_flows.config import Configurable
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow

# Loaded at first use: Keras, pandas and matplotlib are slow to import, and not all need them.
_LAZY = {
    "FlowLayer": "tfp_flows.models",
    "FlowModel": "tfp_flows.models",
    "load": "tfp_flows.models",
    "datasets": None,
    "models": None,
    "plotting": None,
}

__all__ = [
    "Configurable",
    "Flow",
    "FlowLayer",
    "FlowModel",
    "InputError",
    "__version__",
    "bijectors",
    "datasets",
    "flows",
    "load",
    "models",
    "networks",
    "plotting",
    "transformers",
]


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f"module 'tfp_flows' has no attribute {name!r}")
    if _LAZY[name] is None:
        return importlib.import_module(f"tfp_flows.{name}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__():
    return __all__
