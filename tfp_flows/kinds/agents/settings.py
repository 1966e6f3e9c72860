"""What the training of an agent can be asked for."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.catalogue import POLICIES
from tfp_flows.options import again, option
from tfp_flows.runs import code
from tfp_flows.runs.settings import FLOW, LAYERS, TRAINING, Settings

_ANY, GAUSSIAN, _RETURNS = "auto", "gaussian", "returns"
# What acts where nothing is said.
_USUAL = {"sac": GAUSSIAN, "nfac": "nsf", "nfq": _RETURNS}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AgentSettings(Settings):
    """Environment and options of an agent."""

    data: str = again(
        Settings,
        "data",
        help="An environment: a name that Gymnasium knows, or [bold]file.py:name[/bold], a "
        "function that makes one.",
    )
    algorithm: str = option(
        "sac",
        panel=TRAINING,
        choices=tuple(_USUAL),
        help="Soft actor-critic, the same with flows as values, or values of discrete actions.",
    )
    flow: str = again(
        Settings,
        "flow",
        _ANY,
        names=("--policy", "--flow"),
        shown="by algorithm",
        help=f"What acts: {GAUSSIAN}, {', '.join(POLICIES)}; {_RETURNS} with nfq.",
    )
    layers: int | None = option(None, **LAYERS)
    noisy: bool = option(
        False, panel=FLOW, help="Noise between the layers of the policy's flow (stochastic flows)."
    )
    hidden: list[int] | None = again(
        Settings,
        "hidden",
        shown="256,256",
        help="Layers of the networks that look at observations.",
    )
    steps: int | None = option(
        None,
        panel=TRAINING,
        metavar="N",
        min=1,
        shown="20 rounds",
        help="Steps in the environment, rounded up to whole rounds.",
    )
    round: int = option(
        1000, panel=TRAINING, metavar="N", min=1, help="Steps of a round, which is kept and judged."
    )
    epochs: int = again(Settings, "epochs", 20, help="Rounds; --steps says the same in steps.")
    envs: int = option(
        1, panel=TRAINING, metavar="N", min=1, help="Environments that run side by side."
    )
    updates: float = option(
        1.0, panel=TRAINING, metavar="N", min=0.0, help="Gradient steps for each step."
    )
    random_steps: int = option(
        500, panel=TRAINING, metavar="N", min=1, help="Steps by chance before learning begins."
    )
    hold: int = option(
        1,
        panel=TRAINING,
        metavar="N",
        min=1,
        help="Steps for which a draw of exploring lasts; several where single ones cancel out.",
    )
    discount: float = option(
        0.99, panel=TRAINING, metavar="SHARE", min=0.0, max=1.0, help="Of rewards, by step."
    )
    temperature: float | None = option(
        None,
        panel=TRAINING,
        metavar="T",
        min=0.0,
        shown="learned",
        help="Weight of the entropy, in rewards a nat.",
    )
    worst: float = option(
        1.0,
        panel=TRAINING,
        metavar="SHARE",
        min=0.0,
        max=1.0,
        help="Share of the worst returns that actions are chosen by (nfq).",
    )
    memory: int = option(
        1_000_000, panel=TRAINING, metavar="N", min=1, help="Most transitions that are kept."
    )
    judged: int = option(
        10, panel=TRAINING, metavar="N", min=1, help="Episodes by which each round is judged."
    )
    compiled: bool = option(
        False, panel=TRAINING, help="Compile by XLA: a slow start, then faster."
    )
    patience: int = again(Settings, "patience", 1_000_000)
    learning_rate: float | None = again(
        Settings,
        "learning_rate",
        None,
        shown="0.001, with nfq 0.0005",
        help="Learning rate of Adam.",
    )

    def check(self) -> "AgentSettings":
        """Decides what acts and how many rounds there are; a path becomes absolute.

        Raises:
            InputError: If there is no such policy or file, or options contradict one another.
        """
        rate = self.learning_rate
        if rate is not None and not 0 < rate < math.inf:
            raise InputError(f"--learning-rate is {rate:g}; give a positive number.")
        for name in ("discount", "worst"):
            if not getattr(self, name) > 0:
                raise InputError(f"--{name} is 0; give a share above 0, at most 1.")
        if self.temperature is not None and not self.temperature > 0:
            raise InputError("--temperature is 0; give a positive number, or leave it out.")
        flow = _USUAL[self.algorithm] if self.flow == _ANY else self.flow.replace("-", "_")
        known = (_RETURNS,) if self.algorithm == "nfq" else (GAUSSIAN, *POLICIES)
        if flow not in known:
            if self.algorithm == "nfq":
                raise InputError(
                    f"--policy is {flow}, but nfq has none, it learns returns; leave it out."
                )
            raise unknown_name("policy", flow, known)
        if flow not in POLICIES and (self.layers or self.flow_option):
            raise InputError(
                f"{flow} has no layers to choose; leave --layers and --flow-option out."
            )
        if flow not in POLICIES and self.noisy:
            raise InputError(f"{flow} has no layers to put noise between; leave --noisy out.")
        if self.worst < 1 and self.algorithm != "nfq":
            raise InputError(f"--worst is of nfq; {self.algorithm} climbs the mean.")
        if self.round % self.envs:
            raise InputError(
                f"--round is {self.round}, which {self.envs} environments cannot share; give a "
                "multiple."
            )
        changes: dict[str, Any] = {"flow": flow}
        if self.steps is not None:
            changes["epochs"] = -(-self.steps // self.round)
        if ".py" in self.data.partition(":")[0]:
            path, name = code.split(self.data, "make")
            changes["data"] = f"{path}:{name}"
        elif Path(self.data).is_file():
            raise InputError(
                f"{self.data} is no environment; give a name, or file.py:name, or leave --kind out "
                "to fit data."
            )
        return dataclasses.replace(self, **changes)

    @property
    def event(self) -> str:
        """Kind of event of the flow."""
        return "vector"

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the agent."""
        found: dict[str, Any] = {
            "num_envs": self.envs,
            "round_steps": self.round,
            "batch_size": self.batch_size,
            "buffer_size": self.memory,
            "learning_starts": self.random_steps,
            "updates_per_step": self.updates,
            "discount": self.discount,
            "hidden_units": tuple(self.hidden or (256, 256)),
            "hold": self.hold,
            "compiled": self.compiled,
            "seed": self.seed,
        }
        if self.learning_rate is not None:
            found["learning_rate"] = self.learning_rate
        if self.algorithm == "nfq":
            return found | {"worst": self.worst}
        policy: dict[str, Any] = {}
        if self.flow in POLICIES:
            policy = {"num_layers": self.layers, "flow_options": self.flow_option}
        if self.noisy:
            found["noise"] = "stochastic"
        found |= {"policy": self.flow, "policy_options": policy}
        return found | {"temperature": self.temperature or "auto"}
