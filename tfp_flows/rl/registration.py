"""Environments by name, by function or as they are; those of our own."""

import difflib
from collections.abc import Callable
from typing import Any

import gymnasium as gym

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.rl.spaces import readable

OWN = {
    "tfp_flows/MultiGoal-v0": ("tfp_flows.rl.plane:MultiGoal", 30),
    "tfp_flows/Ring-v0": ("tfp_flows.rl.ring:Ring", None),
    "tfp_flows/Chain-v0": ("tfp_flows.rl.chain:Chain", None),
}
_LINES = {
    "mujoco": "gymnasium[mujoco]",
    "box2d": "gymnasium[box2d]",
    "pygame": "gymnasium[classic-control]",
}


def register() -> None:
    """Makes our own environments known to Gymnasium, once."""
    for name, (place, steps) in OWN.items():
        if name not in gym.registry:
            gym.register(name, entry_point=place, max_episode_steps=steps)


def environment(env: Any, *, embedded: bool = False) -> tuple[str, Callable[..., gym.Env]]:
    """The name of an environment, and a function that makes one more of it.

    Args:
        env: A name that Gymnasium knows, a function that returns an environment, or an
            environment that was made by name.
        embedded: Whether a network of the user's own looks at observations, which then stay as
            they are.

    Returns:
        Name and function, which takes arguments of the environment, ``render_mode`` for instance.

    Raises:
        InputError: If there is none of that name, a package is missing, or it cannot be made again.
    """
    register()
    if isinstance(env, gym.Env):
        if env.spec is None:
            raise InputError(
                f"{env} was not made by name, so there can be no second one to be judged by; "
                "give a function that makes one."
            )
        spec = env.spec
        return spec.id, lambda **options: readable(gym.make(spec, **options), embedded=embedded)
    if isinstance(env, str):
        return env, lambda **options: readable(_made(env, options), embedded=embedded)
    if not callable(env):
        raise InputError(
            f"An environment is a name, a gymnasium.Env or a function that makes one, got "
            f"{type(env).__name__}."
        )
    name = getattr(env, "__name__", type(env).__name__)

    def make(**options):
        made = env(**options)
        if not isinstance(made, gym.Env):
            raise InputError(f"{name} makes no gymnasium.Env but a {type(made).__name__}.")
        return readable(made, embedded=embedded)

    return name, make


def _made(name: str, options: dict[str, Any]) -> gym.Env:
    try:
        return gym.make(name, disable_env_checker=True, **options)
    except gym.error.DependencyNotInstalled as error:
        raise missing(name, error) from error
    except (gym.error.UnregisteredEnv, gym.error.Error) as error:
        if name in gym.registry:
            raise InputError(f"Cannot make {name}: {error}") from error
        raise _unknown(name) from error
    except ModuleNotFoundError as error:
        if name in gym.registry:
            raise missing(name, error) from error
        raise InputError(
            f"There is no module {name.partition(':')[0]!r} of the environment {name}: {error}"
        ) from error


def _unknown(name: str) -> InputError:
    # All names would be a page; without a near one the families that everybody has must do.
    if difflib.get_close_matches(name, gym.registry, n=1, cutoff=0.5):
        return unknown_name("environment", name, gym.registry)
    return unknown_name("environment", name, ["Pendulum-v1", "CartPole-v1", *OWN])


def missing(name: str, error: Exception) -> InputError:
    """The error for a package that an environment misses, when it is made or rendered."""
    said = str(error).lower()
    place = str(gym.registry[name].entry_point).lower() if name in gym.registry else ""
    for word, line in _LINES.items():
        if word in said or word in place:
            return InputError(f'{name} needs a package that is missing: pip install "{line}".')
    return InputError(f"{name} needs a package that is missing: {error}")
