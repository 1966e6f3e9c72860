"""Where the data of a run come from: a toy's name or a file."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows import datasets
from tfp_flows.datasets import Table
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.spread import outlying, unresolved
from tfp_flows.terminal import import_tensorflow

# Below this, test and validation parts say nothing.
_MIN_ROWS = 50


class TableSource:
    """A table and its parts.

    Attributes:
        name: Of the toy or file.
        table: All rows.
        parts: 80 % training, 10 % validation and 10 % test rows, in the model's dtype.
    """

    def __init__(self, name: str, table: Table, dtype: str, seed: int):
        self.name, self.table = name, table
        self.parts = datasets.split(table.values.astype(dtype), seed=seed)

    @property
    def shown(self) -> np.ndarray:
        """The rows that pictures show."""
        return self.parts.test

    def digest(self, form: int) -> str:
        """A fingerprint of names and values, by which a changed file is noticed."""
        table = self.table
        text = "\n".join(table.columns).encode() + str(table.values.shape).encode()
        return hashlib.sha256(text + np.ascontiguousarray(table.values).tobytes()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Names and numbers of columns and rows."""
        return {
            "columns": list(self.table.columns),
            "named": self.table.named,
            "rows": len(self.table.values),
            "dropped": self.table.dropped,
        }

    def remarks(self) -> list[str]:
        """What a careful reader would say about the data before a density is fitted."""
        notes, table = list(self.table.remarks), self.table
        if table.dropped:
            notes.append(f"{table.dropped:,} rows with empty, NaN or infinite cells were dropped.")
        rows = len(table.values)
        for name, ratio in zip(table.columns, outlying(table.values), strict=True):
            if ratio:
                notes.append(
                    f"column {name!r} holds a few values far from all others: its standard "
                    f"deviation is {ratio:.3g} times that of its bulk; drop them if they are "
                    "errors."
                )
        for name, column in zip(table.columns, table.values.T, strict=True):
            values, counts = np.unique(column, return_counts=True)
            share = counts.max() / rows
            if share > 0.05:
                notes.append(
                    f"column {name!r} holds {values[counts.argmax()]:g} in {100 * share:.0f} % of "
                    "its rows; its density has a spike there, and likelihoods can grow without "
                    "bound."
                )
        return notes


def load(settings: TableSettings) -> TableSource:
    """Reads the data that a fit was asked for.

    Raises:
        InputError: If they cannot be read or no density can be fitted to them.
    """
    if settings.rows is not None:
        if settings.data in datasets.POTENTIALS:
            import_tensorflow()
        values = datasets.toy(settings.data, settings.rows, seed=settings.seed)
        table = Table(values, ("x0", "x1"), named=False)
    else:
        table = datasets.load_table(
            settings.data,
            columns=settings.columns,
            drop_invalid=settings.drop_invalid,
            key=settings.key,
            header=settings.header,
        )
    datasets.check_table(table, min_rows=max(_MIN_ROWS, 2 * table.values.shape[1] + 2))
    check_precision(table, settings.dtype)
    return TableSource(Path(settings.data).name, table, settings.dtype, settings.seed)


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
