"""Streamed tables as the sources of runs; see `source.TableSource` and `mixed`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows import datasets
from tfp_flows.datasets import Table
from tfp_flows.datasets.judging import check_precision, remarks_on
from tfp_flows.errors import unknown_name
from tfp_flows.kinds.tables.streamed import Epochs, Scan, scan
from tfp_flows.tables import Schema, read_schema

if TYPE_CHECKING:
    from tfp_flows.kinds.tables.settings import TableSettings


class _Streamed:
    """What the sources of plain and of mixed tables share."""

    groups = weights = test_rows = None

    def __init__(self, found: Scan, settings: "TableSettings"):
        self.name, self._found, self._settings = Path(settings.data).name, found, settings
        self.train_rows = found.training_rows

    @property
    def shown(self) -> Any:
        """The rows that pictures show."""
        return self._found.parts.test

    def digest(self, form: int) -> str:
        """A fingerprint of names and values, by which a change is noticed."""
        return self._found.digest()

    def splits(self) -> dict[str, int]:
        """Number of rows of each part."""
        parts = self._found.parts
        held = {"validation": len(parts.validation), "test": len(parts.test)}
        return {"train": self.train_rows, **held}

    def by_groups(self, scores: np.ndarray) -> dict[str, Any]:
        """Nothing: rows are not told by groups."""
        return {}

    def _described(self) -> dict[str, Any]:
        found = self._found
        about = {"named": found.source.wanted.named, "rows": found.rows, "dropped": found.dropped}
        return {**about, "streamed": Epochs(found, self._settings, None).in_words()}


class StreamedSource(_Streamed):
    """A table of numbers.

    Attributes:
        table: The sample of training rows.
        parts: Sample, validation and test rows, in the model's dtype.
    """

    def __init__(self, found: Scan, settings: "TableSettings"):
        super().__init__(found, settings)
        wanted, remarks = found.source.wanted, found.source.remarks
        self.table = Table(
            found.parts.train, wanted.names, found.dropped, wanted.named, None, remarks
        )
        datasets.check_table(self.table, min_rows=2 * len(wanted.names) + 2)
        check_precision(self.table, settings.dtype)
        self.parts = datasets.Splits(*(part.astype(settings.dtype) for part in found.parts))

    def describe(self) -> dict[str, Any]:
        """Names, numbers of rows, ranges of columns."""
        names = list(self.table.columns)
        ranges = {
            name: list(map(float, r)) for name, r in zip(names, self._found.ranges.T, strict=True)
        }
        return {"columns": names, **self._described(), "ranges": ranges}

    def remarks(self) -> list[str]:
        """What a careful reader would say about the sample."""
        return remarks_on(self.table)

    def batches(self, training, batch_size: int):
        """Batches of the training rows, led by a `ResumableTraining`."""
        dtype = self._settings.dtype
        epochs = Epochs(self._found, self._settings, lambda rows: (rows.astype(dtype),))
        return training.led(epochs.feed(min(batch_size, self.train_rows), single=True))


class StreamedFrames(_Streamed):
    """A table of mixed columns.

    Attributes:
        frame: The sample of training rows.
        schema: What the columns are, by the sample and the extremes of all rows.
        parts: Sample, validation and test rows.
    """

    def __init__(self, found: Scan, settings: "TableSettings"):
        super().__init__(found, settings)
        self.parts, self.frame = found.parts, found.parts.train
        for name in settings.given or ():
            if name not in self.frame.columns:
                raise unknown_name("column", name, [str(c) for c in self.frame.columns])
        decided = read_schema(Path(settings.table_schema)) if settings.table_schema else None
        self.schema = Schema.infer(found.judged, decided)

    def describe(self) -> dict[str, Any]:
        """Names, types and numbers of rows."""
        given, schema = list(self._settings.given or ()), self.schema
        return {
            "columns": [column.name for column in schema.columns],
            **self._described(),
            "schema": [list(line) for line in schema.described()],
            "given": given,
            "modelled": len([name for name in schema.names if name not in given]),
        }

    def remarks(self) -> list[str]:
        """What was assumed in reading, and the type of each column, with the reason."""
        lines = [f"{name}: {kind} ({why})" for name, kind, why in self.schema.described()]
        return [*self._found.source.remarks, *lines]

    def training(self, model, training, batch_size: int) -> dict[str, Any]:
        """The arguments of `FlowModel.fit` that are training rows."""

        def arrays(frame):
            found = model.arrays(frame)
            return tuple(part for part in (found["x"], found["context"]) if part is not None)

        single = not model.given
        epochs = Epochs(self._found, self._settings, arrays)
        return {"x": training.led(epochs.feed(batch_size, single=single))}


def load_streamed(settings: "TableSettings", *, mixed: bool) -> StreamedSource | StreamedFrames:
    """Looks once at all rows that a fit was asked for.

    Raises:
        InputError: As `streamed.scan`; if no density can be fitted to them.
    """
    found = scan(settings, mixed=mixed)
    return (StreamedFrames if mixed else StreamedSource)(found, settings)
