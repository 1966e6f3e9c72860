"""Tables of mixed columns as the source of a run."""

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows import datasets
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.kinds.tables import groups
from tfp_flows.kinds.tables.streamed import scan
from tfp_flows.tables import Schema, read_schema
from tfp_flows.tables.weighing import checked_weights, refuse_weightless

if TYPE_CHECKING:
    import pandas as pd

    from tfp_flows.kinds.tables.settings import TableSettings

_MIN_ROWS = 50


class Parts(NamedTuple):
    """Rows by what they are for: 80 % training, 10 % validation, 10 % test."""

    train: Any
    validation: Any
    test: Any


class FrameSource:
    """A table of mixed columns, its schema and its parts.

    Attributes:
        name: Of the file.
        frame: All rows.
        schema: What the columns are.
        parts: Frames of rows.
        weights: ``[rows]`` of each part, or None.
        test_rows: ``[test]``, the numbers in the file of the test rows; None of a toy.
        groups: Of the test rows, where they are to be told by a column; else None.
    """

    def __init__(self, name: str, frame: datasets.Frame, schema: Schema, dropped: int, settings):
        self.name, self.schema = name, schema
        self._read, self._dropped, self._settings = frame, dropped, settings
        data, weights = frame.data, None
        if settings.weights:
            values, of = data[settings.weights].to_numpy(), f"column {settings.weights!r}"
            weights = checked_weights(values, len(data), of=of, rows=frame.rows)
            data = data.drop(columns=settings.weights)
        self.frame = data
        places = datasets.split(np.arange(len(data)), seed=settings.seed)
        self.parts = Parts(*(data.iloc[part] for part in places))
        self.weights = None
        if weights is not None:
            self.weights = Parts(*(weights[part] for part in places))
            for part, own in self.weights._asdict().items():
                refuse_weightless(own, part, f"column {settings.weights!r}")
        self.test_rows = None if settings.rows is not None else frame.rows[places.test]
        self.groups = groups.asked(settings, frame.rows[places.test])

    @property
    def train_rows(self) -> int:
        """Number of training rows."""
        return len(self.parts.train)

    def splits(self) -> dict[str, int]:
        """Number of rows of each part."""
        return {name: len(part) for name, part in self.parts._asdict().items()}

    def training(self, model, training, batch_size: int) -> dict[str, Any]:
        """The arguments of `FlowModel.fit` that are training rows."""
        del training
        weights = None if self.weights is None else self.weights.train.astype(np.float32)
        arrays = model.arrays(self.parts.train)
        return {**arrays, "sample_weight": weights, "batch_size": batch_size}

    @property
    def shown(self) -> "pd.DataFrame":
        """The rows that pictures show."""
        return self.parts.test

    def by_groups(self, scores: np.ndarray) -> dict[str, Any]:
        """The entry of `metrics.json` on the groups of the test rows, by their log-densities."""
        weights = None if self.weights is None else self.weights.test
        return {} if self.groups is None else {"by": self.groups.means(scores, weights)}

    def digest(self, form: int) -> str:
        """A fingerprint of names, values and decided types, by which a change is noticed."""
        import pandas as pd

        data = self._read.data
        values = pd.util.hash_pandas_object(data, index=False).to_numpy()
        text = "\n".join(map(str, data.columns)) + self.schema.to_toml()
        return hashlib.sha256(text.encode() + values.tobytes()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Names, types and numbers of columns and rows."""
        given = list(self._settings.given or ())
        return {
            "columns": [column.name for column in self.schema.columns],
            "named": self._read.named,
            "rows": len(self.frame),
            "dropped": self._dropped,
            "schema": [list(line) for line in self.schema.described()],
            "given": given,
            "modelled": len([name for name in self.schema.names if name not in given]),
        }

    def remarks(self) -> list[str]:
        """What was assumed in reading, and the type of each column, with the reason."""
        lines = [f"{name}: {kind} ({why})" for name, kind, why in self.schema.described()]
        numbers = self.frame.select_dtypes("float")
        infinite = int(np.isinf(numbers.to_numpy()).sum())
        if infinite:
            lines.append(f"{infinite:,} infinite cells are taken as missing.")
        return [*self._read.remarks, *lines]


def load_frame(settings: "TableSettings") -> FrameSource:
    """Reads the table that a fit was asked for, and decides what its columns are.

    Raises:
        InputError: If it cannot be read, has too few rows, or its schema is contradicted.
    """
    if settings.rows is not None:
        import pandas as pd

        values = datasets.toy(settings.data, settings.rows, seed=settings.seed)
        data = pd.DataFrame(values.astype(np.float64), columns=["x0", "x1"])
        read = datasets.Frame(data, False, (), np.arange(1, len(data) + 1))
    else:
        read = _read(settings)
    data, dropped = read.data, 0
    for name in [*(settings.given or ()), *([settings.weights] if settings.weights else ())]:
        if name not in data.columns:
            raise unknown_name("column", name, [str(c) for c in data.columns])
    if settings.drop_invalid:
        whole = data.replace([np.inf, -np.inf], np.nan).notna().all(axis=1)
        dropped = int((~whole).sum())
        read = datasets.Frame(data[whole.to_numpy()], read.named, read.remarks, read.rows[whole])
        data = read.data
    if len(data) < _MIN_ROWS:
        raise InputError(f"The table has {len(data)} rows; give at least {_MIN_ROWS}.")
    decided = read_schema(Path(settings.table_schema)) if settings.table_schema else None
    own = data.drop(columns=settings.weights) if settings.weights else data
    schema = Schema.infer(own, decided, rows=read.rows)
    return FrameSource(Path(settings.data).name, read, schema, dropped, settings)


def number_of_rows(settings: "TableSettings") -> int:
    """Rows of the toy or file."""
    if settings.stream:
        return scan(settings, mixed=True).rows
    return settings.rows if settings.rows is not None else len(_read(settings).data)


def number_of_columns(settings: "TableSettings") -> int:
    """Columns of the toy or file."""
    if settings.stream:
        return len(scan(settings, mixed=True).source.wanted.names)
    return 2 if settings.rows is not None else len(_read(settings).data.columns)


def is_plain(settings: "TableSettings") -> bool:
    """Whether all are real numbers, without gaps, grids, bounds and repeated values; toys are."""
    if settings.rows is not None:
        return True
    data = scan(settings, mixed=True).parts.train if settings.stream else _read(settings).data
    if any(data[name].dtype.kind not in "fiu" for name in data.columns):
        return False
    values = data.to_numpy(np.float64)
    if settings.drop_invalid:
        data = data[np.isfinite(values).all(axis=1)]
    elif np.isnan(values).any():
        return False
    columns = Schema.infer(data).columns if len(data) else []
    return all(c.type == "real" and c.step is None and not c.atoms for c in columns)


def _read(settings: "TableSettings") -> datasets.Frame:
    path = Path(settings.data)
    columns = None if settings.columns is None else tuple(settings.columns)
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    read = _cached(settings.data, stamp, columns, settings.key, settings.header)
    beside = (*(settings.given or ()), *([settings.weights] if settings.weights else ()))
    more = tuple(name for name in dict.fromkeys(beside) if name not in read.data.columns)
    if columns is None or not more:
        return read
    return _cached(settings.data, stamp, columns + more, settings.key, settings.header)


# One without, and one with the columns that are named beside those to use.
@functools.lru_cache(maxsize=2)
def _cached(data, stamp, columns, key, header) -> datasets.Frame:
    return datasets.load_frame(
        data, columns=None if columns is None else list(columns), key=key, header=header
    )
