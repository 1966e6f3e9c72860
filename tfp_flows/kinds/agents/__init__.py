"""Agents: policies and values that are flows, learned in an environment of Gymnasium."""

from tfp_flows.kinds.agents.settings import AgentSettings
from tfp_flows.kinds.agents.verbs import PLAY
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import PLOT

KIND = Kind(
    name="agents",
    title="Agents whose policies and values are flows, by reinforcement learning.",
    settings=AgentSettings,
    work="tfp_flows.kinds.agents.work:AgentWork",
    verbs=(PLAY, PLOT),
    flows=("gaussian",),
    described={"events": list},
    pictures=("returns.png",),
    loss="minus the mean return",
    examples=(
        "tfp-flows fit Pendulum-v1 --kind agents --policy nsf --steps 20000 --out run",
        "tfp-flows fit CartPole-v1 --kind agents --algorithm nfq --steps 30000 --out run",
        "tfp-flows fit --resume --out run",
    ),
    several_devices=False,
)
