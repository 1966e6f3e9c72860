"""Files of what acts, in both Keras."""

import numpy as np
import pytest
from depth import quick

import tfp_flows as tff
from tfp_flows import rl

pytestmark = pytest.mark.keras
SMALL = {"hidden_units": (8, 8), "seed": 0}
AGENTS = {
    "gaussian": lambda: rl.SAC("Pendulum-v1", **SMALL),
    "flow": lambda: rl.SAC(
        "Pendulum-v1", policy="nsf", policy_options={"flow_hidden": (8,)}, **SMALL
    ),
    "returns": lambda: rl.NFQ("CartPole-v1", worst=0.5, **SMALL),
}


@pytest.mark.parametrize("name", quick(AGENTS, "gaussian"))
def test_what_acts_is_saved(name, tmp_path):
    agent = AGENTS[name]()
    agent.model().save(tmp_path / "agent.keras")
    model = tff.load(tmp_path / "agent.keras")
    seen = np.random.default_rng(0).standard_normal((7, *agent._shape)).astype(np.float32)
    np.testing.assert_array_equal(model.act(seen), agent.act(seen))
    assert model.facts["algorithm"] == agent.algorithm
    if name != "returns":
        drawn = model.act(seen, deterministic=False, seed=3)
        np.testing.assert_array_equal(drawn, agent.act(seen, deterministic=False, seed=3))
        assert (drawn != model.act(seen)).any()
    for wrong in (seen[:, :1], np.full_like(seen, np.nan)):
        with pytest.raises(tff.InputError, match="Observations are finite numbers"):
            model.act(wrong)
