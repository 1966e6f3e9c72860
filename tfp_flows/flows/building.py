"""From a name and options, as a command or a file gives them, to a flow."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.catalogue import RECIPES, find

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_OF_CONTEXTS = {"context_shape", "pool_context", "standardize_context"}
_NOT_OPTIONS = {"event_shape", "base", "dtype", "seed", *_OF_CONTEXTS}
_BENDING = "planar"


def build(
    name: str,
    event_shape: int | tuple[int, ...] | list[tuple[int, ...]],
    options: Mapping[str, Any],
    *,
    needed: Mapping[str, str] | None = None,
    **arguments: Any,
) -> "Flow":
    """Builds the flow of a recipe; imports TensorFlow.

    Args:
        name: Name of the recipe.
        event_shape: Shape of an event; a number for vectors, a list for maps of several scales.
        options: Arguments that someone has chosen by name; the recipe must know them.
        needed: Which of ``arguments`` the recipe must know if they are given, and the options that
            an error names for them.
        **arguments: Further arguments, of which None and those that the recipe does not know are
            left out.

    Returns:
        An untrained flow.

    Raises:
        InputError: If there is no such recipe, or arguments do not fit.
    """
    row = RECIPES[find(name)]
    if row.event == "vector" and not row.takes_size(event_shape, options):
        raise InputError(
            f"{name} transforms some columns given the others and needs at least {row.smallest}, "
            f"got {event_shape}; use --flow {_BENDING}."
        )
    recipe = row.load()
    known = inspect.signature(recipe).parameters
    given = {k: v for k, v in arguments.items() if v is not None}
    for argument, option in (needed or {}).items():
        if argument in given and argument not in known:
            raise InputError(f"{name} has no {argument}; leave {option} out.")
    for option in options:
        if option not in set(known) - _NOT_OPTIONS:
            raise unknown_name(f"option of {name}", option, set(known) - _NOT_OPTIONS)
    given = {k: v for k, v in given.items() if k in known}
    try:
        return recipe(event_shape=event_shape, **(given | options))
    except InputError:
        raise
    except (TypeError, ValueError) as error:  # recipes check their arguments
        raise InputError(f"Cannot build {name}: {error}") from error
