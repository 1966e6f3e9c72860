"""Tables: rows of numbers, categories, dates and gaps, from a file or of a toy."""

from tfp_flows.kinds.tables.ask_verb import ASK
from tfp_flows.kinds.tables.check_verb import CHECK
from tfp_flows.kinds.tables.settings import OWN_FLOWS, TableSettings
from tfp_flows.kinds.tables.verbs import IMPUTE, PLOT, SAMPLE, SCHEMA, SCORE
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import EXPORT

KIND = Kind(
    name="tables",
    title="Density of the rows of a table, of numbers, categories, dates and gaps.",
    settings=TableSettings,
    work="tfp_flows.kinds.tables.work:work_of",
    verbs=(SAMPLE, SCORE, IMPUTE, ASK, CHECK, SCHEMA, PLOT, EXPORT),
    event="vector",
    described={"columns": list, "named": bool},
    flows=tuple(OWN_FLOWS),
    pictures=("density.png", "corner.png", "columns.png"),
    examples=(
        "tfp-flows fit two_moons --out moons",
        "tfp-flows fit table.csv --out run",
        "tfp-flows fit table.csv --flow realnvp --columns height,weight --out run",
        "tfp-flows fit --resume --out run",
    ),
)
