"""Where the data of a run come from: a toy's name or a file."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows import datasets
from tfp_flows.datasets import Table
from tfp_flows.datasets.judging import check_precision, remarks_on
from tfp_flows.kinds.tables import groups
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.terminal import import_tensorflow

# Below this, test and validation parts say nothing.
_MIN_ROWS = 50


class TableSource:
    """A table and its parts.

    Attributes:
        name: Of the toy or file.
        table: All rows.
        parts: 80 % training, 10 % validation and 10 % test rows, in the model's dtype.
        test_rows: ``[test]``, the numbers in the file of the test rows; None of a toy.
        groups: Of the test rows, where they are to be told by a column; else None.
        weights: None, as rows of flows of numbers have none.
    """

    weights = None

    def __init__(self, name: str, table: Table, settings: TableSettings):
        self.name, self.table, seed = name, table, settings.seed
        self.parts = datasets.split(table.values.astype(settings.dtype), seed=seed)
        self.groups = self.test_rows = None
        if table.rows is not None and settings.rows is None:
            self.test_rows = datasets.split(table.rows, seed=seed).test
        if settings.by is not None:
            self.groups = groups.asked(settings, self.test_rows)

    @property
    def train_rows(self) -> int:
        """Number of training rows."""
        return len(self.parts.train)

    def splits(self) -> dict[str, int]:
        """Number of rows of each part."""
        return {name: len(part) for name, part in self.parts._asdict().items()}

    def batches(self, training, batch_size: int):
        """Batches of the training rows, led by a `ResumableTraining`."""
        return training.batches(self.parts.train, batch_size)

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
        return remarks_on(self.table)


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
    return TableSource(Path(settings.data).name, table, settings)
