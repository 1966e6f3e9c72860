"""Learning curves, for the examples that draw them."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

import tfp_flows as tff
from tfp_flows import rl


def learn(agent: rl.SAC, steps: int, label: str, measure) -> list[tuple[int, float]]:
    """Learns round by round, and measures the agent before the first round and after each.

    Args:
        agent: Who learns.
        steps: How many steps in all.
        label: What the lines on the screen begin with.
        measure: From the agent to a number.

    Returns:
        Steps and what was measured, pair by pair.
    """
    curve = [(0, measure(agent))]

    def report(logs):
        curve.append((int(logs["steps"]), measure(agent)))
        print(f"{label}: {curve[-1][0]:,} steps, {curve[-1][1]:,.2f}")

    agent.learn(steps, report=report)
    return curve


def save(path: Path, curves: Mapping[str, list[tuple[int, float]]], what: str, title: str) -> None:
    """Draws curves by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    for i, (name, curve) in enumerate(curves.items()):
        axes.plot(*zip(*curve, strict=True), f"C{i}.-", label=name)
    axes.set(xlabel="steps in the environment", ylabel=what, title=title)
    axes.legend(fontsize=8, edgecolor="none")
    tff.plotting.save_figure(figure, path)
