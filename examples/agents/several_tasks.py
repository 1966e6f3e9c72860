"""One agent for several pendulums, told which one it is.

Each episode has a pendulum of mass 0.5, 1 or 2, drawn at the start. One agent sees the mass beside
the three numbers that a pendulum shows, as a context of its policy and critics; another has to do
with those numbers. The light pendulum goes up at once, the heavy one swings several times first;
an agent that is not told which it is learns more slowly, and does both worse.

    python examples/agents/several_tasks.py
"""

from pathlib import Path

import curves
import gymnasium as gym
import numpy as np
import typer

from tfp_flows import rl

MASSES = (0.5, 1.0, 2.0)


class Pendulums(gym.Wrapper):
    """A pendulum of another mass in each episode; the mass is the last entry of what is seen.

    Args:
        masses: Which masses there are.
        told: Whether the mass is shown; 0 stands in its place otherwise.
    """

    def __init__(self, masses, *, told: bool, **options):
        super().__init__(gym.make("Pendulum-v1", **options))
        space = self.env.observation_space
        low, high = np.append(space.low, 0), np.append(space.high, max(MASSES))
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)
        self._masses, self._told = masses, told

    def _seen(self, observation):
        mass = self.unwrapped.m if self._told else 0.0
        return np.append(observation, mass).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        """Draws a mass."""
        observation, info = self.env.reset(seed=seed, options=options)
        self.unwrapped.m = float(self.np_random.choice(self._masses))
        return self._seen(observation), info

    def step(self, action):
        """As the pendulum does."""
        observation, *told = self.env.step(action)
        return self._seen(observation), *told


def main(
    steps: int = 9_000,
    seed: int = 0,
    compiled: bool = True,
    out: Path = Path("runs/examples"),
) -> None:
    """Learns with the mass and without, and judges both on each pendulum."""
    found, learners = {}, {}
    for told in (True, False):
        name = "told the mass" if told else "not told"

        def make(masses=MASSES, told=told, **options):
            return Pendulums(masses, told=told, **options)

        learners[name] = rl.SAC(
            make,
            round_steps=max(1, steps // 12),
            learning_starts=min(500, steps // 4),
            compiled=compiled,
            seed=seed,
        )
        found[name] = curves.learn(learners[name], steps, name, lambda a: a.evaluate(30).mean)
    print(f"\n{'mean return of 50 episodes':30}" + "".join(f"mass {m:<8g}" for m in MASSES))
    for name, agent in learners.items():
        returns = []
        for mass in MASSES:

            def one(mass=mass, told=name == "told the mass", **options):
                return Pendulums((mass,), told=told, **options)

            returns.append(rl.evaluate(lambda seen, _, a=agent: a.act(seen), one, 50, seed=1).mean)
        print(f"{name:30}" + "".join(f"{value:<13.1f}" for value in returns))
    path = out / "several_tasks.png"
    title = "pendulums of mass " + ", ".join(f"{m:g}" for m in MASSES)
    curves.save(path, found, "mean return of 30 episodes", title)
    print(f"Written to {path}")


if __name__ == "__main__":
    typer.run(main)
