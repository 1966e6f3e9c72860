"""The options of `fit` that all kinds share, and how settings are recorded and compared."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError
from tfp_flows.flows import catalogue
from tfp_flows.flows.building import build
from tfp_flows.options import absolute, is_of, option, parse_hidden

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

DATA, FLOW, TRAINING, OUTPUT = "Data", "Flow", "Training", "Output"
# Arguments of the recipes that have options of their own.
_OWN_OPTIONS = {"num_layers": "layers", "hidden_units": "hidden", "dtype": "dtype", "seed": "seed"}


# Options of several kinds, though not of all.
KEY = {"panel": DATA, "metavar": "NAME", "help": "Which array of an .npz file to read."}
TABLE_KEY = {**KEY, "help": "Which array of an .npz file, or sheet of an .xlsx file, to read."}
LAYERS = {"panel": FLOW, "metavar": "N", "min": 1, "shown": "by flow", "help": "Number of layers."}
ACCUMULATE = {
    "panel": TRAINING,
    "metavar": "PARTS",
    "min": 1,
    "help": "Work through each step's batch in so many parts, one after the other: less memory.",
}


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
            own = _OWN_OPTIONS[name]
            raise InputError(f"--flow-option {name} is set by --{own}; use that.")
        if name in options:
            raise InputError(f"--flow-option {name} is given twice; give it once.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What every kind of work can be asked for; a kind's own class adds its fields."""

    data: str = option("", argument=True, metavar="DATA", help="What to fit to, as each kind says.")
    flow: str = option(
        "maf",
        panel=FLOW,
        metavar="NAME",
        help="Kind of flow (see [bold]tfp-flows list[/bold]).",
    )
    hidden: list[int] | None = option(
        None,
        panel=FLOW,
        metavar="64,64",
        parse=parse_hidden,
        shown="by flow",
        help="Hidden layers of each network.",
    )
    flow_option: dict[str, Any] = option(
        {},
        panel=FLOW,
        metavar="NAME=VALUE",
        parse=parse_flow_options,
        repeated=True,
        help="Any other argument of the flow; may be repeated.",
    )
    epochs: int = option(500, panel=TRAINING, metavar="N", min=1, help="Most epochs.")
    minutes: float | None = option(
        None,
        panel=TRAINING,
        metavar="M",
        min=0.01,
        shown="no limit",
        help="Most minutes of training.",
    )
    patience: int = option(
        30,
        panel=TRAINING,
        metavar="N",
        min=1,
        help="Stop after so many epochs without improvement.",
    )
    batch_size: int = option(256, panel=TRAINING, metavar="N", min=1, help="Size of a step.")
    learning_rate: float = option(
        5e-3, panel=TRAINING, metavar="RATE", help="Learning rate of Adam, at its highest."
    )
    seed: int = option(
        0, panel=TRAINING, metavar="N", min=0, max=2**31 - 1, help="Seed of all that is random."
    )
    plots: bool = option(True, names=("--no-plots",), panel=OUTPUT, help="Draw no pictures.")
    tensorboard: str | None = option(
        None,
        panel=OUTPUT,
        metavar="FOLDER",
        parse=absolute,
        help="Folder for the logs of TensorBoard: measures of each epoch.",
    )

    def check(self) -> "Settings":
        """The settings with names and paths as they are recorded.

        Raises:
            InputError: If a value is out of range, or two contradict one another.
        """
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"--learning-rate is {self.learning_rate:g}; give a positive number.")
        return dataclasses.replace(self, flow=catalogue.find(self.flow))

    def repeated(self, given: Mapping[str, Any]) -> "Settings":
        """These settings of a fit that was begun, with those that a user repeats, checked anew.

        Raises:
            InputError: As `check`.
        """
        return dataclasses.replace(self, **given).check()

    @property
    def event(self) -> str:
        """Kind of event of the flow, as in the catalogue."""
        return catalogue.RECIPES[catalogue.find(self.flow)].event

    def build_flow(self, event_shape: Any, **more: Any) -> "Flow":
        """Builds the flow that was asked for; see `flows.building.build`.

        Args:
            event_shape: Shape of an event; see there.
            **more: Further arguments of the recipe, as far as it knows them.
        """
        arguments = {name: getattr(self, field, None) for name, field in _OWN_OPTIONS.items()}
        needed = {"num_layers": "--layers", "hidden_units": "--hidden"}
        return build(self.flow, event_shape, self.flow_option, needed=needed, **arguments | more)

    def record(self) -> dict[str, Any]:
        """JSON values, from which `restore` makes the settings again."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def restore(cls, values: Any, path: Path) -> "Settings":
        """Rebuilds what `record` returned; what an old record lacks gets its default.

        Raises:
            InputError: If the record is damaged or of a newer version.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        if not isinstance(values, dict) or not values.get("data") or "flow" not in values:
            raise InputError(f"{path} is not a record of tfp-flows fit, or is damaged.")
        for name, value in values.items():
            if name not in fields:
                raise InputError(
                    f"{path} was written by a newer tfp-flows: this one has no setting {name!r}; "
                    "update it."
                )
            if not is_of(value, fields[name].type):
                raise InputError(f"{path} is damaged: its {name} is {value!r}.")
        return cls(**values)

    def differs(self, other: "Settings") -> list[str]:
        """Names of the entries in which two settings differ."""
        one, two = self.record(), other.record()
        return [name for name in one if one[name] != two[name]]
