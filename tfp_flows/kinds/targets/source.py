"""Where a target comes from: a formula's name, or a function in a file of the user's own."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.kinds.targets.formulas import FORMULAS, Known
from tfp_flows.kinds.targets.settings import TargetSettings
from tfp_flows.runs import code
from tfp_flows.terminal import import_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf

_BOUNDED = ("circular_nsf", "softsign_bimodal")


class TargetSource:
    """A target.

    Attributes:
        name: Of the formula, or file and function.
        dim: Number of coordinates.
        log_density: From ``[n, dim]`` to the unnormalised log-density ``[n]``, in nats.
        spread: Standard deviation of the flow with which a fit begins.
        compiled: Whether XLA can compile it; `check.check` finds out.
    """

    def __init__(
        self,
        settings: TargetSettings,
        log_density: "Callable[[tf.Tensor], tf.Tensor]",
        content: bytes,
    ):
        self._settings, self._content = settings, content
        self.name, self.dim, self.log_density = Path(settings.data).name, settings.dim, log_density
        self.formula = FORMULAS.get(settings.data)
        self.spread = settings.spread or (1.0 if self.formula is None else self.formula.spread)
        self.compiled = True

    @property
    def known(self) -> Known | None:
        """The log-normaliser and a bound on its error, in nats, where they are known."""
        return None if self.formula is None else self.formula.log_normaliser(self.dim)

    def digest(self, form: int) -> str:
        """A fingerprint of the formula or the file, by which a changed one is noticed."""
        text = f"{self.name} {self.dim}\n".encode() + self._content
        return hashlib.sha256(text).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Names of the coordinates, and the formula of a named target."""
        formula = None if self.formula is None else self.formula.text
        return {"columns": [f"x{i}" for i in range(self.dim)], "formula": formula}

    def remarks(self) -> list[str]:
        """What a careful reader would say about target and flow before a fit."""
        flow, remarks = self._settings.flow, []
        if "walls" in (self.formula.text if self.formula else ""):
            remarks.append(
                f"exp(-{self.name.upper()}) has no end along x0 and so no normaliser; the target "
                "has soft walls at |x0| = 4."
            )
        if RECIPES[flow].fast not in ("both", "samples"):
            quick = [n for n, r in RECIPES.items() if r.event == "vector" and r.fast == "samples"]
            remarks.append(
                f"{flow} is slow at drawing samples, which every step of this fit does; "
                f"{', '.join(quick)}, realnvp and nsf are fast at it."
            )
        if flow in _BOUNDED:
            remarks.append(
                f"{flow} covers a box alone; bound and log-normaliser are those of the target "
                "within it."
            )
        if not self.compiled:
            remarks.append(f"XLA cannot compile {self.name}; the fit runs without it, slower.")
        return remarks


def load(settings: TargetSettings) -> TargetSource:
    """Finds the target that a fit was asked for.

    Raises:
        InputError: If its file, its function or its dimension is missing, or the file does not run.
    """
    if settings.data in FORMULAS:
        formula = FORMULAS[settings.data]
        return TargetSource(settings, formula.log_density, formula.text.encode())
    if settings.dim is None:
        raise InputError(f"The dimension of {settings.data} is not known; give --dim.")
    place, _, name = settings.data.rpartition(":")
    path = Path(place)
    content = code.read(path)
    import_tensorflow()
    function = code.load(path, name)
    if not callable(function):
        raise InputError(f"{path} holds something that is no function: {name!r}.")
    return TargetSource(settings, function, content)
