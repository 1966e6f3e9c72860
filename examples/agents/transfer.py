"""What was learned on one pendulum, as the start on a heavier one.

An agent learns to swing up a pendulum of mass 1. Another one, of mass 1.5, is then learned from
nothing, from its critics alone, and from policy and critics. From nothing that takes 4,500 steps
(seed 0); critics bring it to 1,000 to 2,000; and the policy of the light pendulum already swings up
the heavy one.

    python examples/agents/transfer.py
"""

from pathlib import Path

import curves
import gymnasium as gym
import typer

from tfp_flows import rl


def pendulum(mass: float):
    """A function that makes a pendulum of this mass."""

    def make(**options):
        env = gym.make("Pendulum-v1", **options)
        env.unwrapped.m = mass
        return env

    make.__name__ = f"pendulum of mass {mass:g}"
    return make


def main(
    steps: int = 6_000,
    seed: int = 0,
    compiled: bool = True,
    out: Path = Path("runs/examples"),
) -> None:
    """Learns the light pendulum, and the heavy one in three ways."""

    def agent(mass):
        starts = min(500, steps // 4)
        size = max(1, steps // 12)
        return rl.SAC(
            pendulum(mass), round_steps=size, learning_starts=starts, compiled=compiled, seed=seed
        )

    def judged(learner):
        return learner.evaluate(20).mean

    light = agent(1.0)
    curves.learn(light, steps, "mass 1", judged)
    found = {}
    for name, parts in {
        "from nothing": None,
        "from the critics": {"policy": False},
        "from policy and critics": {},
    }.items():
        heavy = agent(1.5)
        if parts is not None:
            heavy.start_from(light, **parts)
        found[name] = curves.learn(heavy, steps, f"mass 1.5, {name}", judged)
    path = out / "transfer.png"
    curves.save(path, found, "mean return of 20 episodes", "a pendulum of mass 1.5")
    print(f"Written to {path}")


if __name__ == "__main__":
    typer.run(main)
