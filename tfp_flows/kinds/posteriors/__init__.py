"""Posteriors: any joint distribution of TFP, with observations, by a flow."""

from tfp_flows.kinds.posteriors.settings import PosteriorSettings
from tfp_flows.kinds.posteriors.verbs import CHAINS, SAMPLE
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import PLOT

KIND = Kind(
    name="posteriors",
    title="Posterior of a model given observations, by variational inference.",
    settings=PosteriorSettings,
    work="tfp_flows.kinds.posteriors.work:PosteriorWork",
    verbs=(SAMPLE, CHAINS, PLOT),
    event="vector",
    described={"columns": list, "coordinates": int},
    pictures=("marginals.png", "pairs.png", "weights.png"),
    loss="minus the bound (nats)",
    examples=(
        "tfp-flows fit model.py:model --kind posteriors --observed data.json --out run",
        "tfp-flows fit --resume --out run",
    ),
    several_devices=False,
)
