"""Which agents learn in which environments, and what is the same for all of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tfp_flows.errors import InputError, unknown_name

SAME: Mapping[str, Any] = MappingProxyType(
    {
        "hidden_units": [256, 256],
        "batch_size": 256,
        "learning_rate": 1e-3,
        "buffer_size": 1_000_000,
        "learning_starts": 500,
        "discount": 0.99,
        "follow": 0.005,
    }
)
"""Of every agent: one gradient step a step in the environment, Adam, twin critics."""


class World(NamedTuple):
    """An environment.

    Attributes:
        name: As Gymnasium knows it.
        steps: In it, by default.
        round: Steps after which an agent is judged; a multiple of `COUNT`.
        needs: Packages.
        hold: Whether agents that hold their draws of exploring are of interest too.
        goals: Whether ends of episodes are counted by goal.
        solved: The return above which a seed counts as one that has solved it.
    """

    name: str
    steps: int
    round: int
    needs: tuple[str, ...] = ()
    hold: bool = False
    goals: bool = False
    solved: float | None = None


WORLDS: Mapping[str, World] = MappingProxyType(
    {
        "Pendulum-v1": World("Pendulum-v1", 15_000, 1000),
        "MultiGoal-v0": World("tfp_flows/MultiGoal-v0", 20_000, 1000, goals=True),
        "MountainCarContinuous-v0": World(
            "MountainCarContinuous-v0", 50_000, 5000, hold=True, solved=90.0
        ),
        "InvertedPendulum-v5": World("InvertedPendulum-v5", 50_000, 5000, needs=("mujoco",)),
        "Hopper-v5": World("Hopper-v5", 100_000, 5000, needs=("mujoco",)),
    }
)


class Learner(NamedTuple):
    """An agent.

    Attributes:
        title: In tables.
        module: Of this package, with ``make(world, job)``.
        needs: Packages.
        algorithm: Class of `tfp_flows.rl`, or of stable-baselines3.
        flow: Whether the policy is a flow.
        hold: Whether draws of exploring last.
    """

    title: str
    module: str
    needs: tuple[str, ...]
    algorithm: str = "SAC"
    flow: bool = False
    hold: bool = False


_OURS, _PEER = ("tensorflow", "tfp_flows"), ("torch", "stable_baselines3")
LEARNERS: Mapping[str, Learner] = MappingProxyType(
    {
        "gaussian": Learner("Gaussian SAC", "ours", _OURS),
        "flow": Learner("flow SAC", "ours", _OURS, flow=True),
        "nfac": Learner("NFAC", "ours", _OURS, algorithm="NFAC", flow=True),
        "sb3": Learner("stable-baselines3 SAC", "stable", _PEER),
        "gaussian_hold": Learner("Gaussian SAC, held", "ours", _OURS, hold=True),
        "flow_hold": Learner("flow SAC, held", "ours", _OURS, flow=True, hold=True),
        "sb3_sde": Learner("stable-baselines3 SAC, gSDE", "stable", _PEER, hold=True),
    }
)
HOLD, COUNT = 40, 4
"""Steps for which a draw lasts, and environments side by side, of agents that hold."""


def cells(
    worlds: list[str] | None, learners: list[str] | None, only: list[str] | None
) -> list[tuple[str, str]]:
    """The pairs of environment and agent that are asked for, environment by environment.

    Args:
        worlds: Names; all by default.
        learners: Names; all by default.
        only: Pairs ``environment:agent``; all by default.

    Raises:
        InputError: If a name is not known, or nothing is left.
    """
    for kind, names, known in (
        ("environment", worlds, WORLDS),
        ("agent", learners, LEARNERS),
    ):
        for name in names or ():
            if name not in known:
                raise unknown_name(kind, name, known)
    every = [
        (world, learner)
        for world in WORLDS
        for learner in LEARNERS
        if WORLDS[world].hold or not LEARNERS[learner].hold
    ]
    named = {f"{world}:{learner}": (world, learner) for world, learner in every}
    for name in only or ():
        if name not in named:
            raise unknown_name("pair of environment and agent", name, named)
    chosen = [
        (world, learner)
        for name, (world, learner) in named.items()
        if name in (only or named)
        and world in (worlds or WORLDS)
        and learner in (learners or LEARNERS)
    ]
    if not chosen:
        raise InputError(
            "Nothing is left of --envs, --agents and --only; agents that hold their draws are for "
            f"{', '.join(name for name in WORLDS if WORLDS[name].hold)}."
        )
    return chosen


def length(world: World, steps: int | None) -> tuple[int, int]:
    """Steps of a round, and how many rounds.

    Args:
        world: The environment.
        steps: What was asked for; its own number by default.

    Returns:
        So that rounds hold whole numbers of steps of `COUNT` environments.
    """
    wanted = steps or world.steps
    size = min(world.round, -(-wanted // HOLD) * HOLD)
    return size, -(-wanted // size)
