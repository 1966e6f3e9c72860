"""Targets: an unnormalised log-density without data, by name or by a function of one's own."""

from tfp_flows.kinds.targets.settings import TargetSettings
from tfp_flows.kinds.targets.verbs import SAMPLE, SCORE
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import EXPORT, PLOT

KIND = Kind(
    name="targets",
    title="Unnormalised log-density, without data; bound on its log-normaliser by reverse KL.",
    settings=TargetSettings,
    work="tfp_flows.kinds.targets.work:TargetWork",
    verbs=(SAMPLE, SCORE, PLOT, EXPORT),
    event="vector",
    described={"columns": list},
    pictures=("target.png",),
    loss="reverse KL less the log-normaliser (nats)",
    examples=(
        "tfp-flows fit u2 --kind targets --flow planar --layers 32 --out run",
        "tfp-flows fit energy.py:log_density --kind targets --dim 3 --flow realnvp --out run",
        "tfp-flows fit --resume --out run",
    ),
    several_devices=False,
)
