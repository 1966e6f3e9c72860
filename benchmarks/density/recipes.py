"""The models, and how each kind of data is learned: one recipe for every library."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

CLIP_NORM = 5.0
"""Gradients are scaled down to this global norm."""

VALIDATION_ROWS = 2_000
"""Rows of the validation part that choose the best weights during training."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Architecture and optimiser, the same for every library.

    Attributes:
        layers: Number of couplings or autoregressive layers.
        hidden: Hidden layers of each network.
        batch_size: Rows a step.
        learning_rate: Of Adam at the start; a cosine of the time spent brings it to 0.
        activation: Of the networks, ``"relu"`` or ``"tanh"``.
    """

    layers: int = 5
    hidden: tuple[int, ...] = (512, 512)
    batch_size: int = 256
    learning_rate: float = 1e-3
    activation: str = "relu"


_SMALL = Recipe(hidden=(256, 256))
_MEDIUM = Recipe()

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "bsds": _MEDIUM,
        "bsds300": _MEDIUM,
        "hepmass": _MEDIUM,
        "miniboone": _MEDIUM,
        "power": _SMALL,
        "gas": _SMALL,
        "table": _SMALL,
        "mnist": Recipe(learning_rate=3e-4),
    }
)
"""Kind of data to its recipe; sizes that learn something in minutes on two cores."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A model of the comparison.

    Attributes:
        backend: The module of this package that trains it.
        needs: The packages that it needs, named as they are imported.
        flow: The name of the flow in its library; empty for the Gaussian.
        options: Further arguments of the flow.
        beside: The model of ours that it is compared with row by row.
        asked: Whether it is trained only where it is named: an inverse autoregressive flow has a
            pass for each column in every step.
    """

    backend: str
    needs: tuple[str, ...]
    flow: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    beside: str | None = None
    asked: bool = False


_OURS = ("ours", ("tensorflow", "tfp_flows"))
_ZUKO = ("zuko_flows", ("torch", "zuko"))

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "ours-maf": Model(*_OURS, "maf"),
        "ours-realnvp": Model(*_OURS, "realnvp"),
        "ours-nsf": Model(*_OURS, "nsf"),
        "ours-nsf-ar": Model(*_OURS, "nsf", {"mode": "autoregressive"}),
        "ours-iaf": Model(*_OURS, "iaf", asked=True),
        "ours-naf": Model(*_OURS, "naf"),
        "ours-ffjord": Model(
            *_OURS, "ffjord", {"num_layers": 1, "hidden_units": (128, 128), "activation": "tanh"}
        ),
        "zuko-maf": Model(*_ZUKO, "MAF", beside="ours-maf"),
        "zuko-realnvp": Model(*_ZUKO, "RealNVP", beside="ours-realnvp"),
        "zuko-nsf": Model(*_ZUKO, "NSF", beside="ours-nsf-ar"),
        "gaussian": Model("gaussian", ("tfp_flows",)),
    }
)
"""Name on the command line to the model."""
