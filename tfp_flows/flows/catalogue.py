"""What is known of each recipe; the command, its lists and the documents read it here.

Importing this imports no TensorFlow. A new recipe adds its row.
"""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tfp_flows.errors import unknown_name


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Facts about a recipe.

    Attributes:
        function: ``"module:name"``, the module within `tfp_flows.flows`.
        event: Kind of event, ``"vector"``, ``"image"``, ``"recording"`` or ``"feature"`` (maps of
            features).
        fast: Which direction costs one pass: ``"both"``, ``"density"``, ``"samples"`` or
            ``"neither"``; the other one takes a sweep, iterations or a search for a root.
        smallest: Smallest size of an event (height and width of an image).
        any_size: Arguments with which every size will do, whatever ``smallest`` says.
        bends_from: Smallest size at which the density (given a context, if there is one) can be
            more than a Gaussian's.
        context: Ranks of the contexts that it takes; none without.
    """

    function: str
    event: str = "vector"
    fast: str = "both"
    smallest: int = 1
    any_size: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    bends_from: int = 1
    context: tuple[int, ...] = (1,)

    def load(self) -> Callable:
        """The function; imports TensorFlow."""
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(f"tfp_flows.flows.{module}"), name)

    @property
    def line(self) -> str:
        """The first line of its docstring; imports TensorFlow."""
        return inspect.getdoc(self.load()).partition("\n")[0]

    def takes_size(self, size: int, options: Mapping[str, Any]) -> bool:
        """Whether it can be built for events of this size with these arguments."""
        free = self.any_size and all(options.get(k) == v for k, v in self.any_size.items())
        return size >= self.smallest or bool(free)


_ONE_BY_ONE = {"mode": "autoregressive"}

GAUSSIANS = ("mean_field", "full_rank")
POSTERIORS = (*GAUSSIANS, "planar", "radial", "sylvester", "iaf", "realnvp", "nsf", "bnaf")
"""What a posterior can be fitted by: Gaussians, and recipes whose draws are fast."""

POLICIES = ("nsf", "realnvp", "iaf", "nice", "planar", "radial", "sylvester")
"""Recipes that policies can be: draws are fast, and the observation is their context."""

RECIPES = {
    "softsign_bimodal": Recipe("simple:softsign_bimodal", context=()),
    "planar": Recipe("simple:planar", fast="samples"),
    "radial": Recipe("simple:radial"),
    "sylvester": Recipe("simple:sylvester", fast="samples"),
    "nice": Recipe("coupling:nice", smallest=2),
    "realnvp": Recipe("coupling:realnvp", smallest=2),
    "maf": Recipe("autoregressive:maf", fast="density", bends_from=2),
    "iaf": Recipe("autoregressive:iaf", fast="samples", bends_from=2),
    "nsf": Recipe("splines:nsf", smallest=2, any_size=_ONE_BY_ONE),
    "circular_nsf": Recipe("circular:circular_nsf"),
    "naf": Recipe("monotone:naf", fast="density"),
    "bnaf": Recipe("block_neural:bnaf", fast="density"),
    "sos": Recipe("monotone:sos", fast="density"),
    "bernstein": Recipe("monotone:bernstein", fast="density"),
    "gaussianization": Recipe("monotone:gaussianization", fast="density"),
    "residual": Recipe("contractive:residual", fast="density"),
    "ffjord": Recipe("continuous:ffjord", fast="neither"),
    "realnvp_image": Recipe("images:realnvp_image", event="image", smallest=2),
    "glow": Recipe("images:glow", event="image", smallest=2),
    "super_resolution": Recipe(
        "super_resolution:super_resolution", event="image", smallest=4, context=()
    ),
    "waveglow": Recipe("waveglow:waveglow", event="recording", context=(2,)),
    "blow": Recipe("blow:blow", event="recording"),
    "fastflow": Recipe("features:fastflow", event="feature", context=()),
    "cflow": Recipe("features:cflow", event="feature", context=()),
}


def find(name: str) -> str:
    """The name of a recipe as the catalogue writes it; dashes stand for underscores.

    Raises:
        InputError: If there is none of that name; the nearest is suggested.
    """
    found = name.replace("-", "_")
    if found not in RECIPES:
        raise unknown_name("flow", name, RECIPES)
    return found
