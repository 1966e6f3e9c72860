"""Questions to a model of a table, about a column or several, given any others.

All answers are exact within the model: one evaluation of its network gives the whole law of a
column given what is known. The network learns each conditional law by itself, so two ways to one
joint density agree as far as it has learned, not to the last digit.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.conditions import checked_given, order_of
from tfp_flows.tables.laws import Law, asked, rows_of
from tfp_flows.tables.model import TableModel

if TYPE_CHECKING:
    import pandas as pd


def density(
    model: TableModel,
    column: str,
    at: Any,
    given: Mapping[str, Any] | None = None,
    *,
    log: bool = False,
) -> Any:
    """The density of a column at values, given any others.

    Args:
        model: The model.
        column: Name of the column.
        at: A value, or several ``[n]``.
        given: Values of other columns, by name; without them it is the marginal density.
        log: Whether to return its logarithm, in nats.

    Returns:
        A number, or ``[n]``: of numbers per unit of the column (on a grid the probability of the
        value over the step); of categories, whole numbers, dates and atoms a probability. 0 where a
        value cannot be one of the column.

    Raises:
        InputError: If a name is unknown, or a given value cannot be one of its column.
    """
    import pandas as pd

    asked(model, column, given)
    values = [at] if np.ndim(at) == 0 else list(at)
    frame = rows_of(model, given, len(values))
    frame[column] = pd.Series(values, index=frame.index)
    known = checked_given(model.schema, given)
    found = model.conditional(frame, list(known))[:, model.own.index(column)].astype(np.float64)
    if np.isnan(found).any():
        raise InputError(f"Column {column!r} is asked for its density at a gap; give values.")
    return _like(at, found if log else np.exp(found))


def log_density(
    model: TableModel, frame: "pd.DataFrame", given: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Log-densities of several columns together given any others, ``[rows]`` in nats.

    The product of the columns' densities in the order of the table, each given what is given and
    the columns of the frame before it.

    Args:
        model: The model.
        frame: Rows of the columns that are asked for; gaps are left out.
        given: Values of other columns, by name.

    Raises:
        InputError: As in `density`.
    """
    import pandas as pd

    names = [name for name in model.own if name in frame.columns]
    for name in frame.columns:
        asked(model, str(name), given)
    known = rows_of(model, given, len(frame))
    before = {name: [*known.columns, *names[:j]] for j, name in enumerate(names)}
    rows = pd.concat([frame[names].reset_index(drop=True), known], axis=1)
    terms = model.conditional(rows, before)[:, [model.own.index(name) for name in names]]
    return np.where(np.isnan(terms), 0.0, terms).sum(axis=1, dtype=np.float64)


def cdf(model: TableModel, column: str, at: Any, given: Mapping[str, Any] | None = None) -> Any:
    """Probabilities that a column is at most at values, given any others.

    Args:
        model: The model.
        column: Name of a column of numbers, dates or ordered values. Times and angles are counted
            from where their circle begins.
        at: A value, or several ``[n]``.
        given: Values of other columns, by name.

    Returns:
        A number, or ``[n]``. It jumps at atoms and goes in steps on grids.

    Raises:
        InputError: As in `density`; or if the column has no order.
    """
    law = Law(model, column, given)
    return _like(at, law.cdf(order_of(law.column, [at] if np.ndim(at) == 0 else at)))


def quantiles(
    model: TableModel, column: str, q: Any, given: Mapping[str, Any] | None = None
) -> Any:
    """The least values of a column up to which there are the probabilities ``q``.

    Args:
        model: The model.
        column: Name of a column that has an order; see `cdf`.
        q: A probability above 0 and below 1, or several ``[n]``.
        given: Values of other columns, by name.

    Returns:
        A value, or ``[n]``, as the table has them; dates as text.

    Raises:
        InputError: As in `cdf`; or if a probability is out of range.
    """
    law = Law(model, column, given)
    order_of(law.column, [])
    levels = np.atleast_1d(np.asarray(q, np.float64))
    for level in levels[~((levels > 0) & (levels < 1))]:
        raise InputError(f"A quantile is asked for at {level:g}; give numbers between 0 and 1.")
    return _like(q, law.quantiles(levels))


def probabilities(
    model: TableModel, column: str, given: Mapping[str, Any] | None = None
) -> "pd.Series":
    """Probabilities of the values of a column of categories, given any others.

    Of a column of numbers with atoms, those of the atoms, and of all other numbers under the name
    ``other numbers``.

    Args:
        model: The model.
        column: Name of the column.
        given: Values of other columns, by name.

    Returns:
        Probabilities, which sum to 1, by value.

    Raises:
        InputError: As in `density`; or if no value of the column has a probability of its own.
    """
    import pandas as pd

    law = Law(model, column, given)
    values: Sequence[Any] = (
        law.column.values if law.has_classes else law.column.spec().get("atoms", [])
    )
    if not values:
        raise InputError(
            f"Column {column!r} is {law.column.describe()}, without values of their own "
            "probability to list; ask for its density, or for quantiles."
        )
    names = list(values) if law.has_classes else [*values, "other numbers"]
    return pd.Series(law.shares, index=pd.Index(names, name=column), name="probability")


def _like(asked_at: Any, found: np.ndarray) -> Any:
    return found[0] if np.ndim(asked_at) == 0 else found
