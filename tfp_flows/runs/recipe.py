"""From options to a flow, for every kind of work whose flow is a recipe of the catalogue."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.runs.settings import Settings

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_NOT_OPTIONS = {
    "event_shape",
    "context_shape",
    "pool_context",
    "standardize_context",
    "base",
    "dtype",
    "seed",
}
_BENDING = "planar"


def build_flow(settings: Settings, event_shape, **more: Any) -> "Flow":
    """Builds the flow that was asked for.

    Args:
        settings: What was asked for; ``layers`` and ``dtype`` are read if the kind has them.
        event_shape: Shape of an event; a number for vectors.
        **more: Further arguments of the recipe, of which None and those it does not know are
            left out.

    Returns:
        An untrained flow.

    Raises:
        InputError: If flow or options do not fit.
    """
    name, options = settings.flow, settings.flow_option
    row = RECIPES[name]
    size = event_shape if isinstance(event_shape, int) else min(event_shape[:2])
    if row.event == "vector" and not row.takes_size(size, options):
        raise InputError(
            f"{name} transforms some columns given the others and needs at least {row.smallest}, "
            f"got {size}; use --flow {_BENDING}."
        )
    recipe = row.load()
    known = inspect.signature(recipe).parameters
    asked = {"num_layers": getattr(settings, "layers", None), "hidden_units": settings.hidden}
    for argument, value in asked.items():
        if value is not None and argument not in known:
            flag = {"num_layers": "--layers", "hidden_units": "--hidden"}[argument]
            raise InputError(f"{name} has no {argument}; leave {flag} out.")
    _check_options(name, options, set(known) - _NOT_OPTIONS)
    arguments = {"event_shape": event_shape, "seed": settings.seed, **asked, **more}
    arguments["dtype"] = getattr(settings, "dtype", None)
    arguments = {k: v for k, v in arguments.items() if k in known and v is not None}
    try:
        return recipe(**(arguments | options))
    except InputError:
        raise
    except (TypeError, ValueError) as error:  # recipes check their arguments
        raise InputError(f"Cannot build {name}: {error}") from error


def _check_options(flow: str, options: Mapping[str, Any], choices: set[str]) -> None:
    for name in options:
        if name not in choices:
            raise unknown_name(f"option of {flow}", name, choices)
