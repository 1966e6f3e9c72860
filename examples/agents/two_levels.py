"""A level above a policy that has learned to move.

The lower level is a flow policy on the plane with four goals, with so much chance that it keeps all
of them: its latents choose where it goes. Then a task comes whose reward says nothing until it is
done: 100 at the goal on the right, 0 elsewhere. One agent acts on the plane itself; the actions of
the other are latents of the lower level, which stays as it is. The plane is small enough for both
to find the goal by chance, and both reach it in every episode after 1,200 steps (seed 0).

    python examples/agents/two_levels.py
"""

from pathlib import Path

import curves
import gymnasium as gym
import typer

from tfp_flows import rl
from tfp_flows.rl.plane import GOALS


class OneGoal(gym.Wrapper):
    """The plane of four goals, where the first alone is worth something."""

    def __init__(self, **options):
        super().__init__(gym.make("tfp_flows/MultiGoal-v0", **options))

    def step(self, action):
        """100 at the goal, which ends an episode as the others do, and 0 elsewhere."""
        position, _, ended, cut, info = self.env.step(action)
        there = ended and ((position - GOALS) ** 2).sum(axis=-1).argmin() == 0
        return position, 100.0 * there, ended, cut, info


def main(
    low_steps: int = 6_000,
    steps: int = 4_000,
    seed: int = 0,
    compiled: bool = True,
    out: Path = Path("runs/examples"),
) -> None:
    """Learns the lower level, then the task with it and without."""
    few = {"learning_starts": min(500, low_steps // 4, steps // 4), "seed": seed}
    low = rl.SAC(
        "tfp_flows/MultiGoal-v0",
        policy="realnvp",
        temperature=10.0,
        hidden_units=(128, 128),
        round_steps=max(1, low_steps // 6),
        compiled=compiled,
        **few,
    )

    def evenness(agent):
        return rl.evenness(rl.goal_shares(agent.evaluate(200, deterministic=False).last))

    curves.learn(low, low_steps, "lower level, entropy of the goals in nats", evenness)
    shares = rl.goal_shares(low.evaluate(400, deterministic=False).last)
    print(f"shares of the four goals: {', '.join(f'{share:.2f}' for share in shares)}")

    def above(**options):
        return rl.LatentActions(OneGoal(**options), low.policy)

    def reached(agent):
        return agent.evaluate(50, deterministic=False).mean / 100

    found = {}
    for name, make in {"two levels": above, "one level": OneGoal}.items():
        agent = rl.SAC(
            make,
            # With 0.99 both forget the goal again after 2,000 to 3,000 steps.
            discount=0.9,
            hidden_units=(128, 128),
            round_steps=max(1, steps // 10),
            compiled=compiled,
            **few,
        )
        found[name] = curves.learn(agent, steps, name, reached)
    path = out / "two_levels.png"
    curves.save(path, found, "share of 50 episodes that reach it", "one goal of four")
    print(f"Written to {path}")


if __name__ == "__main__":
    typer.run(main)
