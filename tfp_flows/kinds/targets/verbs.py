"""What a flow fitted to a target is for: draws, with weights if asked for, and densities."""

import dataclasses
from pathlib import Path

from tfp_flows.kinds.targets.settings import TargetSettings
from tfp_flows.options import COUNT, OUTPUT, TABLES, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.runs.settings import TABLE_KEY
from tfp_flows.terminal import note


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Options of `sample`."""

    output: Path = option(**OUTPUT, help=TABLES)
    count: int = option(1000, **COUNT, min=1, help="Number of samples.")
    seed: int = again(TargetSettings, "seed")
    weights: bool = option(
        False, help="Add a column log_weight: target over flow, in nats, to weigh the samples by."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Options of `score`."""

    data: str = option(
        argument=True, metavar="DATA", help="File of points, with a column for each coordinate."
    )
    output: Path = option(**OUTPUT, help=TABLES)
    key: str | None = option(None, **TABLE_KEY)


def sample(run: Run, options: SampleOptions) -> None:
    """Draw samples from a flow fitted to a target, with importance weights if asked for."""
    from tfp_flows import datasets

    datasets.check_output(options.output)
    columns = list(run.metrics["data"]["columns"])
    source, flow = run.source() if options.weights else None, run.model.flow
    from tfp_flows.kinds.targets.report import weigh
    from tfp_flows.models.evaluation import draw

    if source is None:
        values = draw(flow, options.count, options.seed)
    else:
        found = weigh(flow, source, options.count, options.seed)
        values = found.rows
        columns.append("log_weight")
    datasets.save_table(options.output, values, columns)


def score(run: Run, options: ScoreOptions) -> None:
    """Write the log-density of the flow at each point of DATA, in nats, in their order."""
    from tfp_flows import datasets

    datasets.check_output(options.output)
    columns = list(run.metrics["data"]["columns"])
    # As if they were a table's own names: a file without names must be as wide as the target.
    table = datasets.load_matching(options.data, columns, named=True, key=options.key)
    for remark in table.remarks:
        note(remark)
    flow = run.model.flow
    from tfp_flows.models.evaluation import log_density

    scores = log_density(flow, table.values)[:, None]
    datasets.save_table(options.output, scores, ["log_prob"])


SAMPLE = Verb(sample, SampleOptions, "tfp-flows sample run -n 1000 --weights -o samples.csv")
SCORE = Verb(score, ScoreOptions, "tfp-flows score run points.csv -o scores.csv")
