"""What a careful reader would say about a table before a density is fitted to it."""

import numpy as np

from tfp_flows.datasets.tables import Table
from tfp_flows.errors import InputError
from tfp_flows.spread import outlying, unresolved

# Share of its rows in which a column may hold one value.
_SPIKE = 0.05


def check_precision(table: Table, dtype: str) -> None:
    """Checks that no column loses its spread in the model's precision.

    Raises:
        InputError: If one does.
    """
    found = unresolved(table.values, dtype)
    if found is None:
        return
    (index,), spread, gap = found
    way = "use --dtype float64" if dtype == "float32" else "subtract an offset first, or rescale"
    raise InputError(
        f"Column {table.columns[index]!r} has a standard deviation of {spread:.3g}, but {dtype} "
        f"numbers of its size lie {gap:.3g} apart; {way}."
    )


def remarks_on(table: Table) -> list[str]:
    """Sentences on dropped rows, far values and spikes, beside what reading decided."""
    notes = list(table.remarks)
    if table.dropped:
        notes.append(f"{table.dropped:,} rows with empty, NaN or infinite cells were dropped.")
    for name, ratio in zip(table.columns, outlying(table.values), strict=True):
        if ratio:
            notes.append(
                f"column {name!r} holds a few values far from all others: its standard deviation "
                f"is {ratio:.3g} times that of its bulk; drop them if they are errors."
            )
    for name, column in zip(table.columns, table.values.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        share = counts.max() / len(column)
        if share > _SPIKE:
            notes.append(
                f"column {name!r} holds {values[counts.argmax()]:g} in {100 * share:.0f} % of its "
                "rows; its density has a spike there, and likelihoods can grow without bound."
            )
    return notes
