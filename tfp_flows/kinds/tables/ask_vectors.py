"""Answers of flows of numbers that do not know their columns one given the other: by draws."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import pandas as pd

    from tfp_flows.tables.schema import Schema

MODE = "The most probable row"
_DRAWS = 4_000


def schema_of(names: list[str]) -> "Schema":
    """The schema of columns that are all of numbers."""
    from tfp_flows.tables.numbers import Real
    from tfp_flows.tables.schema import Schema

    return Schema([Real(name=name) for name in names])


def places_of(names: list[str], given: Mapping[str, Any]) -> dict[int, float]:
    """Values by number of column."""
    return {names.index(name): float(value) for name, value in given.items()}


class Given(NamedTuple):
    """Rows of a flow given some columns.

    Attributes:
        frame: The rows, what is given in place.
        how: What they are, in words.
        effective: Their effective number; of chains, of all that they drew.
        by_chains: Whether they are of Markov chains.
    """

    frame: "pd.DataFrame"
    how: str
    effective: float
    by_chains: bool = False


def draws_given(
    flow, names: list[str], given: Mapping[str, Any], seed: int, n: int = _DRAWS, quiet=False
) -> Given:
    """Rows of a flow given some columns; unless quiet, what stands behind them is noted.

    Raises:
        InputError: If they cannot be had; see `tfp_flows.tables.conditional_draws`.
    """
    import pandas as pd

    if not given:
        from tfp_flows.models.evaluation import draw

        return Given(pd.DataFrame(draw(flow, n, seed), columns=names), f"{n:,} draws", float(n))
    from tfp_flows.tables.conditioning import conditional_draws

    found = conditional_draws(flow, places_of(names, given), n, seed=seed, names=names)
    frame = pd.DataFrame(found.values, columns=names)
    free = [name for name in names if name not in given]
    frame[free] = frame[free].astype(flow.dtype.as_numpy_dtype)
    if found.how != "chains":
        return Given(frame, f"{n:,} draws", float(n))
    effective = min(found.effective, float(n))
    if not quiet:
        note(
            f"the {n:,} draws are of Markov chains, worth {effective:,.0f} independent ones; R-hat "
            f"is {found.r_hat:.2f}."
        )
    how = f"{n:,} draws of chains, worth {effective:,.0f}"
    return Given(frame, how, found.effective, True)


def answers(flow, names: list[str], options, given: Mapping[str, Any], levels):
    """Titles and tables, as `ask_verb` makes them.

    Raises:
        InputError: If the draws cannot be had.
    """
    import pandas as pd

    from tfp_flows.tables.region_text import parse_region

    schema = schema_of(names)
    if options.column is not None:
        schema.column(options.column)
    region = [] if options.probability is None else parse_region(schema, options.probability)
    of_column = options.column is not None and (
        options.quantiles is not None or options.density_at is None
    )
    if of_column or region or options.mode:
        rows, how, effective, _ = draws_given(flow, names, given, options.seed)
    if of_column:
        values = np.quantile(rows[options.column], levels)
        frame = pd.DataFrame({"at most": levels, options.column: values})
        yield f"Quantiles of {options.column}, of draws", frame
    if options.density_at is not None:
        yield _density(flow, names, schema.column(options.column), options, given)
    if region:
        inside = np.all([c.holds(rows) for c in region], axis=0)
        # As of samples of a model of tables: one more row inside and one outside.
        share = (inside.sum() + 1) / (len(rows) + 2)
        about = {"region": options.probability, "probability": float(inside.mean())}
        about |= {"standard_error": math.sqrt(share * (1 - share) / min(effective, len(rows)))}
        about["how"] = how
        yield "Probability", pd.DataFrame([about])
    if options.mode:
        yield _mode(flow, names, rows, given, options.seed)


def _mode(flow, names: list[str], rows: "pd.DataFrame", given: Mapping[str, Any], seed: int):
    import pandas as pd

    from tfp_flows.tables.vector_modes import vector_mode

    row = vector_mode(flow, rows[names].to_numpy(), places_of(names, given))
    below, error, _ = _log_prob(flow, names, given, seed)
    log_density = float(flow.log_prob(row[None])[0]) - below
    told = f" Its log-density has a standard error of {error:.2g} nats." if given else ""
    note(f"The most probable row is the best that was found from draws, within their range.{told}")
    return f"{MODE} (log-density in nats)", pd.DataFrame(
        [[*row.tolist(), log_density]], columns=[*names, "log_density"]
    )


def _density(flow, names: list[str], column, options, given: Mapping[str, Any]):
    """Densities of a column at values, that of what is known with it over that of what is given.

    Raises:
        InputError: If the column is given, a value is no number, or an integral cannot be had.
    """
    import pandas as pd

    from tfp_flows.tables.conditions import typed

    name, values = column.name, [typed(column, text) for text in options.density_at]
    if name in given:
        raise InputError(f"Column {name!r} is asked for and given; leave one out.")
    below, error, least = _log_prob(flow, names, given, options.seed)
    rows = []
    for value in values:
        found, own, effective = _log_prob(flow, names, {**given, name: value}, options.seed)
        log_density, least = found - below, min(least, effective)
        rows.append((value, math.exp(log_density), log_density, math.hypot(own, error)))
    if math.isfinite(least):
        note(f"densities are of weighted draws, worth {least:,.0f} independent ones or more.")
    columns = [name, "density", "log_density", "standard_error_nats"]
    return f"Density of {name} (per unit; logarithm in nats)", pd.DataFrame(rows, columns=columns)


def _log_prob(flow, names, known, seed) -> tuple[float, float, float]:
    """Log-density of columns alone, its standard error, and the effective number behind it."""
    if not known:
        return 0.0, 0.0, math.inf
    places = places_of(names, known)
    if len(places) == len(names):
        row = np.array([[places[j] for j in range(len(names))]])
        return float(flow.log_prob(row.astype(flow.dtype.as_numpy_dtype))[0]), 0.0, math.inf
    from tfp_flows.tables.conditional_densities import marginal_log_prob

    found = marginal_log_prob(flow, places, seed=seed, names=names)
    return float(found.log_density[0]), found.standard_error, found.effective
