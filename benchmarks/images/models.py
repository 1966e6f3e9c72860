"""The models, and the architecture that they share."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

CLIP_NORM = 100.0
"""Gradients are scaled down to this global norm."""

WARM_UP = 0.02
"""Share of the time, after the first step, in which the learning rate rises."""

VALIDATION_IMAGES = 512
"""Images of the validation part that choose the best weights during training."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Architecture and optimiser, the same for every library.

    Attributes:
        levels: Number of scales; each halves height and width.
        depth: Steps of a level: ActNorm, 1x1 convolution, affine coupling.
        channels: Hidden channels of the couplings' networks: convolutions 3x3, 1x1 and 3x3.
        batch_size: Images a step.
        learning_rate: Of Adam, after the warm-up; a cosine of the time spent brings it to 0.
    """

    levels: int = 3
    depth: int = 4
    channels: int = 64
    batch_size: int = 64
    learning_rate: float = 1e-3


@dataclasses.dataclass(frozen=True)
class Model:
    """A model of the comparison.

    Attributes:
        backend: The module of this package that trains it.
        needs: The packages that it needs, named as they are imported.
    """

    backend: str
    needs: tuple[str, ...]


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "ours": Model("ours", ("tensorflow", "tfp_flows")),
        "normflows": Model("normflows_glow", ("torch", "normflows")),
        "tfp": Model("tfp_glow", ("tensorflow_probability", "tf_keras")),
    }
)
"""Name on the command line to the model."""
