"""Normalising flows for TensorFlow Probability.

Subpackages: `bases`, `bijectors`, `transformers`, `networks`, `flows`, `models`, `datasets`,
`anomaly`, `audio`, `plotting`, `figures`, `grading`, `rl`, `sklearn`, `tables`, `testing`, `vi`.
"""

import importlib

from tfp_flows._version import __version__
from tfp_flows.errors import InputError

# Loaded at first use: TensorFlow, pandas and matplotlib are slow to import, and the command line
# must answer a mistyped option without them.
_SUBPACKAGES = (
    "audio",
    "anomaly",
    "bases",
    "bijectors",
    "datasets",
    "figures",
    "flows",
    "grading",
    "models",
    "networks",
    "plotting",
    "rl",
    "sklearn",
    "tables",
    "testing",
    "transformers",
    "vi",
)
_NAMES = {
    "Configurable": "tfp_flows.config",
    "Flow": "tfp_flows.flows",
    "FlowLayer": "tfp_flows.models",
    "FlowModel": "tfp_flows.models",
    "export": "tfp_flows.models",
    "load": "tfp_flows.models",
    "open_run": "tfp_flows.kinds",
}

# `rl` and `sklearn` are left out: a star must not ask for an extra.
__all__ = [
    "Configurable",
    "Flow",
    "FlowLayer",
    "FlowModel",
    "InputError",
    "__version__",
    "anomaly",
    "audio",
    "bases",
    "bijectors",
    "datasets",
    "export",
    "figures",
    "flows",
    "grading",
    "load",
    "models",
    "networks",
    "open_run",
    "plotting",
    "tables",
    "testing",
    "transformers",
    "vi",
]


def __getattr__(name: str):
    if name in _SUBPACKAGES:
        return importlib.import_module(f"tfp_flows.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'tfp_flows' has no attribute {name!r}")


def __dir__():
    return [*__all__, "rl", "sklearn"]
