"""`ask`: questions to a model of a table, about a column or a region, given any others."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.ask_vectors import MODE
from tfp_flows.kinds.tables.groups import BY, MOST, too_many
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.options import OUTPUT, TABLES, again, option, split
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note, result_console

if TYPE_CHECKING:
    import pandas as pd

_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def parse_list(text: str) -> list[str]:
    """Splits ``a,b,"c,d"`` into values.

    Raises:
        InputError: If a value is empty.
    """
    values = split(text)
    if not values or not all(values):
        raise InputError(f"{text!r} is no list of values; give them with commas between.")
    return values


def parse_levels(text: str) -> list[float]:
    """Splits ``0.05,0.5`` into probabilities.

    Raises:
        InputError: If one is not between 0 and 1.
    """
    try:
        levels = [float(value) for value in parse_list(text)]
    except ValueError:
        levels = [0.0]
    if not all(0 < level < 1 for level in levels):
        raise InputError(f"--quantiles is {text!r}; give numbers between 0 and 1, like 0.05,0.5.")
    return levels


@dataclasses.dataclass(frozen=True, kw_only=True)
class AskOptions:
    """Options of `ask`."""

    column: str | None = option(
        None, argument=True, metavar="COLUMN", help="The column that is asked about."
    )
    quantiles: list[float] | None = option(
        None, metavar="P,P,...", parse=parse_levels, help="Its values at these probabilities."
    )
    density_at: list[str] | None = option(
        None,
        metavar="V,V,...",
        parse=parse_list,
        help="Its density at values, and the probability of at most them.",
    )
    given: str | None = option(
        None,
        metavar="COLUMN=V,...",
        help="Values of any other columns, as in species=Gentoo,year=2008.",
    )
    probability: str | None = option(
        None,
        metavar="REGION",
        help="The probability of a region, as in \"age > 30 and sex == 'male'\".",
    )
    mode: bool = option(False, help="The most probable row.")
    by: str | None = option(
        None, **BY, help="Column of categories: everything is answered given each of its values."
    )
    compare: str | None = option(
        None, metavar="FILE", help="Another table: the columns in which it differs from this one."
    )
    output: Path | None = option(None, **OUTPUT, help=TABLES)
    seed: int = again(TableSettings, "seed")


def ask(run: Run, options: AskOptions) -> list[Path]:
    """Ask a model of a table for quantiles, densities and probabilities, given any columns.

    A COLUMN alone is told by its quantiles, or by the probabilities of its values. Models of --flow
    columns answer exactly; other flows by draws, with their effective number.
    """
    from tfp_flows import datasets

    if options.output is not None:
        datasets.check_output(options.output)
    about_column = options.quantiles is not None or options.density_at is not None
    whole = options.probability or options.mode or options.compare
    if options.column is None and (about_column or not whole):
        raise InputError("Nothing is asked; give a COLUMN, --probability, --mode or --compare.")
    if options.compare is not None and (options.given is not None or options.by is not None):
        raise InputError("--compare is of whole tables; leave out --given and --by.")
    model = run.model
    from tfp_flows.kinds.tables import ask_vectors
    from tfp_flows.tables import TableModel
    from tfp_flows.tables.conditions import parse_given

    known = isinstance(model, TableModel)
    names = None if known else [str(name) for name in run.metrics["data"]["columns"]]
    schema = model.schema if known else ask_vectors.schema_of(names)
    given = {} if options.given is None else parse_given(schema, options.given)

    def answered(given):
        if known:
            return list(_answers(model, options, given))
        levels = options.quantiles or _LEVELS
        return list(ask_vectors.answers(model.flow, names, options, given, levels))

    if options.by is None:
        answers = answered(given)
    else:
        answers = _by_values(schema, options.by, given, answered)
    if options.compare is not None:
        from tfp_flows.kinds.tables.ask_tables import compared

        answers.append(compared(run, options.compare, options.seed))
    for title, frame in answers:
        result_console().print(_shown(title + _condition(given), frame))
    if options.output is None:
        return []
    return [datasets.save_frame(options.output, _one_table(answers))]


def _by_values(schema, name: str, given: Mapping[str, Any], answered):
    """The answers given each value of a column, below each other.

    Raises:
        InputError: If it is none of categories, has too many, or is given already.
    """
    import pandas as pd

    column = schema.column(name)
    values = getattr(column, "values", None)
    if values is None:
        raise InputError(
            f"--by is {name}, which is {column.describe()}; give a column of categories, or values "
            "by --given."
        )
    if name in given:
        raise InputError(f"Column {name!r} is in --by and in --given; give it once.")
    if len(values) > MOST:
        raise too_many(name, len(values))
    found = [answered({**given, name: value}) for value in values]
    titles = [f"{title}, by {name}" for title, _ in found[0]]
    frames = []
    for parts in zip(*found, strict=True):
        for value, (_, frame) in zip(values, parts, strict=True):
            if name not in frame:
                frame.insert(0, name, value)
        frames.append(pd.concat([frame for _, frame in parts], ignore_index=True))
    return list(zip(titles, frames, strict=True))


def _answers(model, options: AskOptions, given: Mapping[str, Any]):
    if options.column is not None:
        yield from _of_column(model, options, given)
    if options.probability is not None:
        yield _of_region(model, options, given)
    if options.mode:
        yield _mode(model, options, given)


def _of_column(model, options: AskOptions, given: Mapping[str, Any]):
    import pandas as pd

    from tfp_flows.tables import asking
    from tfp_flows.tables.conditions import typed
    from tfp_flows.tables.laws import asked

    name, column = options.column, asked(model, options.column, given)
    ordered = column.type != "categorical"
    levels = options.quantiles
    if levels is None and options.density_at is None:
        if column.type in ("categorical", "ordinal") or column.spec().get("atoms"):
            shares = asking.probabilities(model, name, given)
            frame = pd.DataFrame({name: shares.index.astype(object), "probability": shares.values})
            yield f"Probabilities of {name}", frame
        levels = _LEVELS if column.type not in ("categorical", "ordinal") else None
    if levels is not None:
        found = asking.quantiles(model, name, list(levels), given)
        yield f"Quantiles of {name}", pd.DataFrame({"at most": levels, name: found})
    if options.density_at is not None:
        values = [typed(column, text) for text in options.density_at]
        frame = pd.DataFrame({name: pd.Series(values)})
        frame["density"] = asking.density(model, name, values, given)
        frame["log_density"] = asking.density(model, name, values, given, log=True)
        if ordered:
            frame["at most"] = asking.cdf(model, name, values, given)
        yield f"Density of {name} (per unit, or a probability; logarithm in nats)", frame


def _of_region(model, options: AskOptions, given: Mapping[str, Any]):
    import pandas as pd

    from tfp_flows.tables.regions import probability

    found = probability(model, options.probability, given, seed=options.seed)
    values = {"region": options.probability, "probability": found.value}
    values |= {"standard_error": found.standard_error, "how": found.how}
    return "Probability", pd.DataFrame([values])


def _mode(model, options: AskOptions, given: Mapping[str, Any]):
    from tfp_flows.tables.modes import mode

    found = mode(model, given, seed=options.seed)
    note(
        "The most probable row is the best that was found from samples; another combination of "
        "categories may be better."
    )
    row = found.row.copy()
    row["log_density"] = found.log_density
    return f"{MODE} (log-density in nats)", row


def _condition(given: Mapping[str, Any]) -> str:
    return f", given {', '.join(f'{k} = {v}' for k, v in given.items())}" if given else ""


def _shown(title: str, frame: "pd.DataFrame"):
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    rows = [[_figure(value) for value in row] for row in frame.itertuples(index=False)]
    names = [escape(str(name)) for name in frame.columns]
    if title.startswith(MODE):
        # Rows of a table can be wider than a terminal.
        names, *rows = zip(names, *rows, strict=True)
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _figure(value: Any) -> str:
    from rich.markup import escape

    return escape(f"{value:.6g}" if isinstance(value, float) else str(value))


def _one_table(answers) -> "pd.DataFrame":
    """One answer as it is; several below each other, under what was asked."""
    import pandas as pd

    if len(answers) == 1:
        frame = answers[0][1]
    else:
        parts = [f.assign(asked=title).astype(object) for title, f in answers]
        frame = pd.concat(parts, ignore_index=True)
        frame = frame[["asked", *(name for name in frame.columns if name != "asked")]]
    mixed = [name for name in frame if frame[name].map(type).nunique() > 1]
    texts = {name: frame[name].map(str).where(frame[name].notna(), None) for name in mixed}
    return frame.assign(**texts)


ASK = Verb(
    ask, AskOptions, "tfp-flows ask run age --given species=Gentoo --quantiles 0.05,0.5,0.95"
)
