"""Anomaly: pictures of good parts; what is odd in others, where, and how sure."""

from tfp_flows.kinds.anomaly.settings import AnomalySettings
from tfp_flows.kinds.anomaly.verbs import EVALUATE, SCORE
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import PLOT

KIND = Kind(
    name="anomaly",
    title="Defects in pictures, learned from good parts alone; a threshold at a false-alarm rate.",
    settings=AnomalySettings,
    work="tfp_flows.kinds.anomaly.work:AnomalyWork",
    verbs=(SCORE, EVALUATE, PLOT),
    event="feature",
    described={"event_shape": list, "pictures": int},
    pictures=("held_out.png",),
    examples=(
        "tfp-flows fit tiles/train/good --flow fastflow --out run",
        "tfp-flows fit tiles --flow cflow --false-alarms 0.01 --minutes 20 --out run",
        "tfp-flows fit --resume --out run",
    ),
)
