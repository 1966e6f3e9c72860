"""One agent in one environment with one seed, in a process of its own."""

import importlib.metadata
import time
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.control.cells import LEARNERS, WORLDS, length
from tfp_flows import rl

PACKAGES = {"ours": ("tfp-flows", "tensorflow"), "stable": ("stable-baselines3", "torch")}
# Of start states and draws: the same for all agents of a seed, and none that learning sees.
_JUDGED, _DRAWN = 1_000_000, 3_000_000


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Learns and is judged after each round, in this process.

    Args:
        job: ``env``, ``agent``, ``seed``, ``steps`` or None, ``temperature`` or None,
            ``episodes`` (by which it is judged), ``drawn`` (by which goals are counted),
            ``threads``.

    Returns:
        ``curve``: of each round ``steps``, ``mean`` and ``standard_error`` of the return without
        chance; seconds and speeds; ``goals``, shares of episodes, and their ``entropy`` in nats,
        where there are such; and nothing.
    """
    world, module = WORLDS[job["env"]], LEARNERS[job["agent"]].module
    size, rounds = length(world, job["steps"])
    made = import_module(f"benchmarks.control.{module}").make(world, job | {"round": size})
    curve, seconds, gradients = [], [], []
    for number in range(rounds):
        begun = time.perf_counter()
        made.learn()
        seconds.append(time.perf_counter() - begun)
        gradients.append((made.gradient_steps, made.gradient_seconds))
        found = rl.evaluate(
            lambda seen, _: made.act(seen, None),
            world.name,
            job["episodes"],
            seed=_JUDGED + job["seed"],
        )
        curve.append(
            {
                "steps": (number + 1) * size,
                "mean": found.mean,
                "standard_error": found.standard_error,
            }
        )
    versions = {name: importlib.metadata.version(name) for name in PACKAGES[module]}
    result = {"status": "ok", "curve": curve, "seconds": sum(seconds), "versions": versions}
    result |= made.described | speeds(size, seconds, gradients)
    if world.goals:
        ended = rl.evaluate(
            lambda seen, step: made.act(seen, _DRAWN + step),
            world.name,
            job["drawn"],
            seed=_DRAWN + job["seed"],
        )
        shares = rl.goal_shares(ended.last)
        result |= {"goals": shares.tolist(), "entropy": rl.evenness(shares)}
    made.close()
    return result, np.zeros(0)


def speeds(
    size: int, seconds: list[float], gradients: list[tuple[int, float]]
) -> dict[str, float | int | None]:
    """Steps a second, without the first round, in which programs are compiled.

    Args:
        size: Steps of a round.
        seconds: Of each round.
        gradients: After each round, gradient steps and the seconds in them, in all.

    Returns:
        ``gradient_steps``, in all, ``steps_a_second``, gradient steps included, and
        ``gradient_steps_a_second``, those alone; None of a single round.
    """
    (first, spent), (last, total) = gradients[0], gradients[-1]
    known = {"gradient_steps": last, "steps_a_second": None, "gradient_steps_a_second": None}
    if len(seconds) > 1:
        known["steps_a_second"] = size * (len(seconds) - 1) / sum(seconds[1:])
        if last > first:
            known["gradient_steps_a_second"] = (last - first) / (total - spent)
    return known


if __name__ == "__main__":
    isolated.serve(run)
