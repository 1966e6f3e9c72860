"""Tables: rows of numbers, from a file or of a toy."""

from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.kinds.tables.verbs import PLOT, SAMPLE, SCORE
from tfp_flows.runs.kind import Kind

KIND = Kind(
    name="tables",
    title="Density of the rows of a table; held-out log-likelihood beside a Gaussian's.",
    settings=TableSettings,
    work="tfp_flows.kinds.tables.work:TableWork",
    verbs=(SAMPLE, SCORE, PLOT),
    event="vector",
    described={"columns": list, "named": bool},
    pictures=("density.png", "corner.png"),
    examples=(
        "tfp-flows fit two_moons --out moons",
        "tfp-flows fit table.csv --flow realnvp --columns height,weight --out run",
        "tfp-flows fit --resume --out run",
    ),
)
