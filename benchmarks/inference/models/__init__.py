"""The models of the posteriors that have reference draws, as TFP joint distributions.

A file a model. Each has ``model(data)``, which returns the joint distribution and the values that
are observed; parameters have the names, shapes and supports of the reference. A file whose
reference is of other quantities than its parameters has ``transformed(data, parameters)`` too.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tfp_flows.errors import unknown_name

_HELPERS = ("__init__", "pieces", "hidden_states", "schools", "radon")
MODELS: tuple[str, ...] = tuple(
    sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _HELPERS)
)
"""The names of all models."""


def find(name: str) -> ModuleType:
    """The module of a model.

    Args:
        name: Of the model, or of a posterior, which is ``DATA-MODEL``.

    Raises:
        InputError: If there is none.
    """
    model = name.rpartition("-")[2]
    if model not in MODELS:
        raise unknown_name("model", model, MODELS)
    return import_module(f"{__name__}.{model}")


def quantities(
    module: ModuleType, data: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """What the reference is of, element by element.

    Args:
        module: The model's.
        data: What the model was given.
        parameters: Draws of each parameter, ``[draws, *shape]``.

    Returns:
        Arrays ``[draws]``, named as in the reference: ``theta[1]`` is the first of a vector.
    """
    values = {name: np.asarray(value) for name, value in parameters.items()}
    if hasattr(module, "transformed"):
        values = {name: np.asarray(v) for name, v in module.transformed(data, values).items()}
    elements = {}
    for name, value in values.items():
        if value.ndim == 1:
            elements[name] = value
        else:
            elements |= {f"{name}[{i + 1}]": column for i, column in enumerate(value.T)}
    return elements
