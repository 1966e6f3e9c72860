"""What a fit of a posterior can be asked for."""

import dataclasses
import math
from typing import Any

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.catalogue import GAUSSIANS, POSTERIORS
from tfp_flows.options import absolute, again, option
from tfp_flows.runs import code
from tfp_flows.runs.settings import DATA, LAYERS, TRAINING, Settings

_ANY = "auto"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PosteriorSettings(Settings):
    """Model, observations and options of a fit."""

    data: str = again(
        Settings,
        "data",
        help="A model, [bold]file.py:name[/bold]: a joint distribution of TFP, a tff.vi.Target, "
        "or a function that returns one, or a pair of one and what was observed.",
    )
    observed: str | None = option(
        None,
        panel=DATA,
        metavar="FILE",
        parse=absolute,
        shown="as the model says",
        help="Observed values of parts by name: .json, or .npz with an array for each.",
    )
    flow: str = again(
        Settings, "flow", _ANY, help=f"{_ANY} (by dimension), {', '.join(POSTERIORS)}."
    )
    layers: int | None = option(None, **LAYERS)
    objective: str = option(
        "reverse_kl",
        panel=TRAINING,
        choices=("reverse_kl", "iwae", "forward_kl"),
        help="Bound of the evidence, bound of several draws each, or importance weights.",
    )
    tempering: float = option(
        0.0,
        panel=TRAINING,
        metavar="SHARE",
        min=0,
        max=0.99,
        help="Share of the epochs in which the density grows to its full height.",
    )
    evaluation_draws: int = option(
        10_000, panel=TRAINING, metavar="N", min=100, help="Draws by which the result is judged."
    )
    compiled: bool = option(
        False, panel=TRAINING, help="Compile by XLA, which takes minutes and pays in long fits."
    )
    epochs: int = again(Settings, "epochs", 30, help="Most epochs, of 100 steps each.")
    patience: int = again(
        Settings,
        "patience",
        8,
        help="Epochs without progress of the bound after which the learning rate goes to zero.",
    )
    batch_size: int = again(Settings, "batch_size", help="Draws of a step.")
    learning_rate: float | None = again(
        Settings, "learning_rate", None, shown="by flow", help="Learning rate of Adam, at first."
    )

    def check(self) -> "PosteriorSettings":
        """Makes the path of the model absolute.

        Raises:
            InputError: If there is no such flow or file, or an option does not fit.
        """
        rate = self.learning_rate
        if rate is not None and not 0 < rate < math.inf:
            raise InputError(f"--learning-rate is {rate:g}; give a positive number.")
        if self.flow not in (_ANY, *POSTERIORS):
            raise unknown_name("flow of posteriors", self.flow, (_ANY, *POSTERIORS))
        if self.flow in (_ANY, *GAUSSIANS) and self.options:
            raise InputError(
                f"{self.flow} has no sizes to choose; name another --flow, or leave --layers, "
                "--hidden and --flow-option out."
            )
        path, name = code.split(self.data, "model")
        return dataclasses.replace(self, data=f"{path}:{name}")

    @property
    def event(self) -> str:
        """Kind of event of the flow."""
        return "vector"

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the flow's recipe."""
        given = {"num_layers": self.layers, "hidden_units": self.hidden}
        return {k: v for k, v in given.items() if v is not None} | self.flow_option
