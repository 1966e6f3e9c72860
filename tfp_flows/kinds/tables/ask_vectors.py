"""Answers of flows of numbers that do not know their columns one given the other: by draws."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import pandas as pd

    from tfp_flows.tables.schema import Schema

_DRAWS = 4_000


def schema_of(names: list[str]) -> "Schema":
    """The schema of columns that are all of numbers."""
    from tfp_flows.tables.numbers import Real
    from tfp_flows.tables.schema import Schema

    return Schema([Real(name=name) for name in names])


def draws_given(flow, names: list[str], given: Mapping[str, Any], seed: int) -> "pd.DataFrame":
    """Rows of a flow given some columns; what stands behind them is noted.

    Raises:
        InputError: If they cannot be had; see `tfp_flows.tables.conditional_draws`.
    """
    import pandas as pd

    if not given:
        from tfp_flows.models.evaluation import draw

        return pd.DataFrame(draw(flow, _DRAWS, seed), columns=names)
    from tfp_flows.tables.conditioning import conditional_draws

    places = {names.index(name): value for name, value in given.items()}
    found = conditional_draws(flow, places, _DRAWS, seed=seed)
    if found.how == "chains":
        note(
            f"The {_DRAWS:,} draws are of Markov chains, worth {found.effective:,.0f} independent "
            f"ones; R-hat is {found.r_hat:.2f}."
        )
    return pd.DataFrame(found.values, columns=names)


def answers(flow, names: list[str], options, given: Mapping[str, Any], levels):
    """Titles and tables, as `ask_verb` makes them.

    Raises:
        InputError: If a density or a mode is asked for, or the draws cannot be had.
    """
    import pandas as pd

    from tfp_flows.tables.region_text import parse_region

    if options.density_at is not None or options.mode:
        raise InputError(
            "--density-at and --mode are of models that know every conditional; fit with --flow "
            "columns."
        )
    schema = schema_of(names)
    if options.column is not None:
        schema.column(options.column)
    region = [] if options.probability is None else parse_region(schema, options.probability)
    rows = draws_given(flow, names, given, options.seed)
    if options.column is not None:
        values = np.quantile(rows[options.column], levels)
        frame = pd.DataFrame({"at most": levels, options.column: values})
        yield f"Quantiles of {options.column}, of draws", frame
    if region:
        share = float(np.all([c.holds(rows) for c in region], axis=0).mean())
        frame = pd.DataFrame([{"region": options.probability, "probability": share}])
        yield f"Probability, by {len(rows):,} draws", frame
