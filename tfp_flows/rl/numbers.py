"""Checks of the numbers that agents are given."""

import math
from collections.abc import Mapping
from typing import Any

from tfp_flows.errors import InputError


def check_whole(values: Mapping[str, Any]) -> None:
    """Raises an `InputError` unless all are whole numbers of at least 1."""
    for what, value in values.items():
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{what} is a whole number of at least 1, got {value!r}.")


def check_shares(values: Mapping[str, Any]) -> None:
    """Raises an `InputError` unless all are in (0, 1]."""
    for what, value in values.items():
        if not 0 < value <= 1:
            raise InputError(f"{what} is a share in (0, 1], got {value!r}.")


def check_rates(
    learning_rate: float, updates_per_step: float, round_steps: int, num_envs: int
) -> None:
    """Raises an `InputError` where steps, environments and gradient steps do not go together."""
    if not 0 < learning_rate < math.inf:
        raise InputError(f"learning_rate is a positive number, got {learning_rate!r}.")
    if round_steps % num_envs:
        raise InputError(
            f"A round of {round_steps} steps cannot be split over {num_envs} environments; "
            "choose round_steps as a multiple of num_envs."
        )
    if updates_per_step < 0 or not float(updates_per_step * num_envs).is_integer():
        raise InputError(
            f"updates_per_step is {updates_per_step!r}; times {num_envs} environments it must "
            "be a whole number."
        )
