"""What `fit` was asked to do, as one record that can be saved and compared."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError

# Arguments of the recipes that the command sets itself, and how.
_OWN_OPTIONS = {
    "num_layers": "--layers",
    "hidden_units": "--hidden",
    "dtype": "--dtype",
    "seed": "--seed",
}


@dataclasses.dataclass(frozen=True)
class FitSettings:
    """Data and options of a fit.

    Attributes:
        data: Name of a toy, or absolute path of a file.
        columns: Chosen columns of a file; all if None.
        key: Array of a ``.npz`` file.
        drop_invalid: Whether rows with NaN or infinite cells are dropped.
        rows: Number of rows of a toy; None for a file.
        flow: Name of the recipe.
        layers: Number of layers; the recipe's own if None.
        hidden: Hidden layers of the networks; the recipe's own if None.
        flow_option: Further arguments of the recipe.
        dtype: ``float32`` or ``float64``.
        epochs: Most epochs.
        patience: Epochs without improvement before training stops.
        batch_size: Rows a step.
        learning_rate: Initial learning rate of Adam.
        seed: Seed of toy, split, weights and order of rows.
        plots: Whether pictures are drawn.
    """

    data: str
    columns: list[str] | None
    key: str | None
    drop_invalid: bool
    rows: int | None
    flow: str
    layers: int | None
    hidden: list[int] | None
    flow_option: dict[str, Any]
    dtype: str
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    seed: int
    plots: bool

    @classmethod
    def from_json(cls, values: dict, path: Path) -> "FitSettings":
        """Rebuilds what `dataclasses.asdict` returned.

        Raises:
            InputError: If the entries are not those of a fit.
        """
        try:
            return cls(**values)
        except TypeError:
            raise InputError(f"{path} is not a record of tfp-flows fit.") from None


def parse_columns(text: str | None) -> list[str] | None:
    """Splits ``a,b,"c,d"`` into names or numbers of columns.

    Raises:
        InputError: If a name is empty.
    """
    if text is None:
        return None
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not names or not all(names):
        raise InputError(f"--columns is {text!r}; give names or numbers with commas between.")
    return names


def parse_hidden(text: str | None) -> list[int] | None:
    """Splits ``64,64`` into sizes of layers.

    Raises:
        InputError: If a size is not a positive number.
    """
    if text is None:
        return None
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise InputError(f"--hidden is {text!r}; give sizes with commas between, like 64,64.")
    return [int(size) for size in sizes]


def parse_flow_options(texts: list[str]) -> dict[str, Any]:
    """Splits ``name=value`` texts; values are JSON, or else plain text.

    Raises:
        InputError: If a text has no ``=``, a name comes twice or has an option of its own.
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, separator, value = (part.strip() for part in text.partition("="))
        if not (name and separator):
            raise InputError(f"--flow-option is {text!r}; give name=value.")
        if name in _OWN_OPTIONS:
            raise InputError(f"--flow-option {name} is set by {_OWN_OPTIONS[name]}; use that.")
        if name in options:
            raise InputError(f"--flow-option {name} is given twice; give it once.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options
