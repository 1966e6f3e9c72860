"""Which spaces of Gymnasium agents can deal with, in a sentence where they cannot."""

from typing import Any

import gymnasium as gym
import numpy as np

from tfp_flows.errors import InputError


def action_box(space: gym.Space) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of a box of actions, each ``[D]``.

    Raises:
        InputError: If it is another space, unbounded, or no vector.
    """
    if isinstance(space, gym.spaces.Discrete):
        raise InputError(
            f"The actions are discrete, {space}; flow policies act in boxes, use NFQ "
            "(--algorithm nfq)."
        )
    if not isinstance(space, gym.spaces.Box):
        raise InputError(
            f"The actions are of {space}; agents act in a Box, or with NFQ in a Discrete space. "
            "Wrap the environment so that one array is an action."
        )
    if len(space.shape) != 1 or not np.issubdtype(space.dtype, np.floating):
        raise InputError(
            f"The actions are of shape {space.shape} and {space.dtype}; agents take vectors of "
            "floating-point numbers, as gymnasium.wrappers.TransformAction makes them."
        )
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise InputError(
            f"The actions are unbounded, {space}; SAC and NFAC squash actions to a box, give one "
            "with gymnasium.wrappers.RescaleAction or ClipAction, or your own limits."
        )
    return space.low.astype(np.float64), space.high.astype(np.float64)


def number_of_actions(space: gym.Space) -> int:
    """How many actions a discrete space has.

    Raises:
        InputError: If it is another space.
    """
    if isinstance(space, gym.spaces.Discrete):
        if space.start != 0:
            raise InputError(f"The actions begin at {space.start}; NFQ counts them from 0.")
        return int(space.n)
    raise InputError(
        f"The actions are not discrete, {space}; NFQ chooses among a few, use SAC or NFAC "
        "(--algorithm sac)."
    )


def observation_shape(space: Any, *, embedded: bool) -> tuple[int, ...]:
    """Shape of an observation as networks get it.

    Args:
        space: A Box, or a whole number for vectors of that size.
        embedded: Whether a network of the user's own looks at it.

    Raises:
        InputError: If it needs an embedding, or has to be flattened first.
    """
    if isinstance(space, int):
        return (space,)
    if not isinstance(space, gym.spaces.Box):
        raise InputError(
            f"Observations of {space} are no arrays; wrap the environment in "
            "gymnasium.wrappers.FlattenObservation, as the agents do by themselves."
        )
    if len(space.shape) != 1 and not embedded:
        raise InputError(
            f"Observations are arrays of shape {space.shape}, images perhaps; give "
            "embedding=, a network that makes vectors of them."
        )
    return space.shape


def readable(env: gym.Env, *, embedded: bool) -> gym.Env:
    """The environment with observations that are one array: dicts and the like are flattened."""
    space = env.observation_space
    if isinstance(space, gym.spaces.Box) and (len(space.shape) == 1 or embedded):
        return env
    if isinstance(space, gym.spaces.Box) and len(space.shape) > 1:
        observation_shape(space, embedded=False)  # raises
    try:
        wrapped = gym.wrappers.FlattenObservation(env)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise InputError(f"Observations of {space} cannot be made one array: {error}") from error
    if not isinstance(wrapped.observation_space, gym.spaces.Box):
        raise InputError(f"Observations of {space} have no fixed length; wrap the environment.")
    return wrapped
