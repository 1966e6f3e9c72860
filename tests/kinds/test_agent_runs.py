"""What is particular to agents: rounds that diverge, and options that hang together."""

import json
import math

import numpy as np
import pytest
from agent_row import AGENTS
from commands import good

from tfp_flows import InputError, open_run, plotting
from tfp_flows.kinds.agents.settings import AgentSettings
from tfp_flows.rl.agent import Agent, Diverged


def test_steps_are_whole_rounds_and_what_acts_is_decided():
    settings = AgentSettings(data="Pendulum-v1", steps=2500).check()
    assert (settings.epochs, settings.flow, settings.check()) == (3, "gaussian", settings)
    found = {a: AgentSettings(data="x", algorithm=a).check().flow for a in ("nfac", "nfq")}
    assert found == {"nfac": "nsf", "nfq": "returns"}
    with pytest.raises(InputError, match="nfq has none"):
        AgentSettings(data="x", algorithm="nfq", flow="nsf").check()
    with pytest.raises(InputError, match="--discount is 0"):
        AgentSettings(data="x", discount=0.0).check()


def test_returns_are_drawn():
    figure = plotting.plot_returns([1, 2], {"a": [None, 1.0], "b": [0.5, math.nan]}, final=2.0)
    lines = [np.asarray(line.get_xydata()) for line in figure.axes[0].lines]
    np.testing.assert_array_equal(lines[0], [[2, 1]])
    np.testing.assert_array_equal(lines[1], [[1, 0.5]])
    with pytest.raises(InputError, match="2 returns each"):
        plotting.plot_returns([1, 2], {"a": [1.0]})


@pytest.mark.deep
def test_a_round_that_diverges_ends_with_the_best(tmp_path, monkeypatch):
    round_of = Agent.round

    def diverging(self):
        if self.rounds == 1:
            raise Diverged("Training on it diverged.")
        return round_of(self)

    monkeypatch.setattr(Agent, "round", diverging)
    out = tmp_path / "run"
    options = [*AGENTS["options"], "--kind", "agents", "--epochs", "3", "--out", out]
    said = good("fit", AGENTS["write"](tmp_path), *options).stderr
    assert "diverged. The policy is that of the best round" in said.replace("\n", " ")
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["training"]["epochs"] == 2
    assert metrics["training"]["best_epoch"] == 1
    assert math.isnan(open_run(out).history["loss"][1])
    assert (out / "returns.png").exists()
