"""What a fit to a target can be asked for."""

import dataclasses
import math
from pathlib import Path

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.kinds.targets.formulas import FORMULAS
from tfp_flows.options import again, option
from tfp_flows.runs import code
from tfp_flows.runs.settings import DATA, FLOW, LAYERS, TRAINING, Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class TargetSettings(Settings):
    """Target and options of a fit to it."""

    data: str = again(
        Settings,
        "data",
        help=f"A target ({', '.join(FORMULAS)}), or [bold]file.py:function[/bold]: a function from "
        "a tensor of points \\[n, D] to unnormalised log-densities \\[n].",
    )
    dim: int | None = option(
        None,
        panel=DATA,
        metavar="D",
        min=1,
        shown="2 of a named one",
        help="Dimension of the target.",
    )
    spread: float | None = option(
        None,
        panel=TRAINING,
        metavar="S",
        shown="by target",
        help="Standard deviation of the flow when it begins, about that of the target.",
    )
    warm_up: int = option(
        15,
        panel=TRAINING,
        metavar="N",
        min=0,
        help="Epochs, a quarter of all at most, over which the target grows to its full height.",
    )
    flow: str = again(Settings, "flow", "realnvp")
    layers: int | None = option(None, **LAYERS)
    dtype: str = option(
        "float32", panel=FLOW, choices=("float32", "float64"), help="Precision of flow and target."
    )
    epochs: int = again(Settings, "epochs", 200, help="Most epochs, of 100 steps each.")
    patience: int = again(Settings, "patience", 30)
    batch_size: int = again(Settings, "batch_size", help="Draws of a step.")
    learning_rate: float = again(
        Settings, "learning_rate", help="Learning rate of Adam; halved where progress stalls."
    )

    def check(self) -> "TargetSettings":
        """Decides whether the target is a name or a file, whose path becomes absolute.

        Raises:
            InputError: If it is neither, or an option does not fit it.
        """
        settings = super().check()
        if self.spread is not None and not 0 < self.spread < math.inf:
            raise InputError(f"--spread is {self.spread:g}; give a positive number.")
        if self.data in FORMULAS:
            return dataclasses.replace(settings, dim=_dimension(self.data, self.dim))
        if ":" not in self.data and Path(self.data).suffix != ".py":
            if Path(self.data).exists():
                raise InputError(
                    f"{self.data} is no target: give a name or file.py:function, or leave --kind "
                    "out to fit data."
                )
            raise unknown_name("target", self.data, FORMULAS)
        path, function = code.split(self.data, "log_density")
        return dataclasses.replace(settings, data=f"{path}:{function}")


def _dimension(name: str, given: int | None) -> int:
    formula = FORMULAS[name]
    if formula.fixed is not None and given not in (None, formula.fixed):
        raise InputError(
            f"--dim is {given}, but {name} has {formula.fixed} dimensions; leave --dim out."
        )
    dim = given or formula.fixed or formula.smallest
    if dim < formula.smallest:
        raise InputError(f"--dim is {dim}; {name} needs at least {formula.smallest}.")
    return dim
