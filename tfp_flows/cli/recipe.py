"""From options to a flow."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from tfp_flows.cli.settings import FitSettings
from tfp_flows.errors import InputError, unknown_name

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
_NEEDS_TWO = ("realnvp", "nice", "nsf")


def build_flow(settings: FitSettings, size: int) -> "Flow":
    """Builds the flow that was asked for.

    Args:
        settings: What was asked for.
        size: Number of columns.

    Returns:
        An untrained flow over ``[..., size]``.

    Raises:
        InputError: If flow or options are unknown or do not fit.
    """
    from tfp_flows import flows

    recipe = flows.get(settings.flow)
    autoregressive = settings.flow_option.get("mode") == "autoregressive"
    if size < 2 and settings.flow in _NEEDS_TWO and not autoregressive:
        raise InputError(
            f"{settings.flow} transforms some columns given the others and needs at least 2, got "
            f"{size}; use --flow planar."
        )
    try:
        return recipe(**_arguments(recipe, settings, size))
    except InputError:
        raise
    except (TypeError, ValueError) as error:  # recipes check their arguments
        raise InputError(f"Cannot build {settings.flow}: {error}") from error


def _arguments(recipe: Callable, settings: FitSettings, size: int) -> dict:
    known = inspect.signature(recipe).parameters
    for name, value, option in (
        ("num_layers", settings.layers, "--layers"),
        ("hidden_units", settings.hidden, "--hidden"),
    ):
        if value is not None and name not in known:
            raise InputError(f"{settings.flow} has no {name}; leave {option} out.")
    options = checked_options(recipe, settings.flow, settings.flow_option)
    arguments = {
        "event_shape": size,
        "dtype": settings.dtype,
        "seed": settings.seed,
        "num_layers": settings.layers,
        "hidden_units": settings.hidden,
        "standardize": True,
    }
    arguments = {k: v for k, v in arguments.items() if k in known and v is not None}
    return arguments | options


def checked_options(recipe: Callable, flow: str, options: dict) -> dict:
    """A copy of the options of a flow.

    Raises:
        InputError: If the recipe knows one of them not; the nearest is suggested.
    """
    choices = set(inspect.signature(recipe).parameters) - _NOT_OPTIONS
    for name in options:
        if name not in choices:
            raise unknown_name(f"option of {flow}", name, choices)
    return dict(options)
