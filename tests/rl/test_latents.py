"""Latents of a policy as actions, and the worked examples."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import tfp_flows as tff
from tfp_flows import rl

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    p for p in (ROOT / "examples" / "agents").glob("*.py") if "__main__" in p.read_text()
)


def plane(**options):
    return gym.make("tfp_flows/MultiGoal-v0", **options)


@pytest.fixture(scope="module")
def policy():
    env = plane()
    return rl.FlowPolicy(
        env.observation_space,
        env.action_space,
        num_layers=2,
        flow_hidden=(8,),
        hidden_units=(8,),
        seed=0,
    )


def test_a_latent_is_the_action_that_the_policy_makes_of_it(policy):
    above, plain = rl.LatentActions(plane(), policy, bound=2.0), plane()
    assert above.action_space == gym.spaces.Box(-2.0, 2.0, (2,), np.float32)
    seen, _ = above.reset(seed=3)
    np.testing.assert_array_equal(seen, plain.reset(seed=3)[0])
    for latent in ([0.3, -1.5], [1.9, 1.9], [5.0, -5.0]):
        bounded = np.clip(np.float32(latent), -2, 2)
        action = policy.act(seen[None], bounded[None])[0].numpy()[0]
        expected = plain.step(action)
        seen, reward, *_ = told = above.step(np.float32(latent))
        np.testing.assert_allclose(seen, expected[0], atol=1e-6)
        assert reward == pytest.approx(expected[1], rel=1e-5)
        assert told[2:4] == expected[2:4]


def test_an_agent_learns_above_a_policy(policy):
    before = [v.numpy() for v in policy.flow.variables]

    def above(**options):
        return rl.LatentActions(plane(**options), policy)

    agent = rl.SAC(
        above,
        hidden_units=(8,),
        round_steps=10,
        learning_starts=5,
        batch_size=4,
        num_envs=2,
        seed=0,
    )
    logs = agent.round()
    assert agent.updates > 0
    assert np.isfinite(logs["critic_loss"])
    assert agent.evaluate(2).returns.shape == (2,)
    for variable, value in zip(policy.flow.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_policies_and_bounds_that_do_not_fit(policy):
    with pytest.raises(tff.InputError, match=r"2 entries an action given .* has 1 given \(3,\)"):
        rl.LatentActions(gym.make("Pendulum-v1"), policy)
    for bound in (0, -1.0, np.inf, np.nan):
        with pytest.raises(tff.InputError, match="bound of latents"):
            rl.LatentActions(plane(), policy, bound=bound)
    with pytest.raises(tff.InputError, match="discrete"):
        rl.LatentActions(gym.make("CartPole-v1"), policy)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_is_told_of(path):
    assert f"(../examples/agents/{path.name})" in (ROOT / "docs" / "agents.md").read_text()
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert f"python examples/agents/{path.name}" in said


@pytest.mark.deep
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    few = ["--steps=48", "--no-compiled", f"--out={tmp_path}"]
    if path.stem == "two_levels":
        few.append("--low-steps=48")
    done = subprocess.run(
        [sys.executable, str(path), *few],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "48 steps" in done.stdout
    (picture,) = tmp_path.glob("*.png")
    assert picture.stat().st_size > 10_000
