"""Files of columns with types: ``.parquet`` and ``.feather``."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._raw import Options, RawTable, brief, plain
from tfp_flows.datasets._text_tables import filled
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_BUFFER = 2**18
_KEPT_ROWS = 500_000


def read_arrow(path: Path, _options: Options) -> RawTable:
    """Reads the columns of a file; an index other than row numbers stands in front of them.

    Raises:
        InputError: If pyarrow is missing.
    """
    import pandas as pd

    _check_pyarrow("Cannot read", path)
    read = pd.read_feather if path.suffix.lower() == ".feather" else pd.read_parquet
    return _raw(path, read(path))


def arrow_blocks(path: Path, names: Sequence[str] | None, rows: int) -> Iterator[RawTable]:
    """Reads a ``.parquet`` file block by block.

    Args:
        path: The file.
        names: The only columns to read, if the file has all of them; None for all.
        rows: Most rows of a block.

    Raises:
        InputError: If pyarrow is missing.
    """
    _check_pyarrow("Cannot read", path)
    # Neither the file nor a whole row group is held: the buffer is that of a column.
    with opened_arrow(path) as file:
        if not file.metadata.num_rows:
            yield _raw(path, file.schema_arrow.empty_table().to_pandas())
        yield from arrow_groups(path, file, names, rows, range(file.num_row_groups))


def arrow_groups(path, file, names, rows, groups) -> Iterator[RawTable]:
    """Reads some row groups of an opened ``.parquet`` file; see `arrow_blocks`."""
    import pyarrow

    there = set(file.schema_arrow.names)
    some = list(names) if names is not None and set(names) <= there else None
    for batch in file.iter_batches(rows, row_groups=list(groups), columns=some):
        yield _raw(path, batch.to_pandas())
    # What it keeps for later would be beside what the next reader takes.
    pyarrow.default_memory_pool().release_unused()


def arrow_kinds(path: Path) -> dict[str, str]:
    """What the columns of a ``.parquet`` file hold, by name, in words, without reading them.

    It is an empty text of a column of which the file says that all its cells are missing.
    """
    import pyarrow.types as of

    _check_pyarrow("Cannot read", path)
    tests = (
        ("", (of.is_null,)),
        ("numbers", (of.is_integer, of.is_floating, of.is_decimal)),
        ("true/false values", (of.is_boolean,)),
        ("times", (of.is_temporal,)),
        ("text", (of.is_string, of.is_large_string, of.is_dictionary)),
    )
    kinds = {}
    with opened_arrow(path) as file:
        for field in file.schema_arrow:
            found = (kind for kind, own in tests if any(test(field.type) for test in own))
            kinds[field.name] = next(found, str(field.type))
    return kinds


def number_of_groups(path: Path) -> int:
    """Row groups of a ``.parquet`` file."""
    _check_pyarrow("Cannot read", path)
    with opened_arrow(path) as file:
        return file.num_row_groups


def size_of_cells(path: Path, columns: int | None) -> int:
    """Bytes of the cells of a ``.parquet`` file at eight each, of some columns or of all."""
    _check_pyarrow("Cannot read", path)
    with opened_arrow(path) as file:
        return 8 * file.metadata.num_rows * (columns or file.metadata.num_columns)


def opened_arrow(path: Path):
    """A ``.parquet`` file whose row groups are read in pieces of bounded size."""
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)


def _raw(path: Path, frame: "pd.DataFrame") -> RawTable:
    import pandas as pd

    labels = [] if isinstance(frame.index, pd.RangeIndex) else list(frame.index.names)
    series = [frame.index.get_level_values(i).to_series() for i in range(len(labels))]
    series += [frame.iloc[:, i] for i in range(frame.shape[1])]
    names = [*filled(["" if name is None else str(name) for name in labels]), *frame.columns]
    remarks = [
        f"The times of column {name!r} of {path.name} are read in UTC."
        for name, each in zip(names, series, strict=True)
        if isinstance(each.dtype, pd.DatetimeTZDtype)
    ]
    return RawTable(
        [plain(each) for each in series],
        tuple(map(str, names)),
        True,
        tuple(remarks),
        tuple(range(len(labels))),
    )


def write_arrow(path: Path, frame: "pd.DataFrame") -> None:
    """Writes a frame without its index.

    Raises:
        InputError: If pyarrow is missing.
    """
    _check_pyarrow("Cannot write", path)
    if path.suffix.lower() == ".feather":
        frame.to_feather(path)
    else:
        frame.to_parquet(path, engine="pyarrow", index=False)


def arrow_appender(path, file, closing) -> Callable[["pd.DataFrame"], None]:
    """What appends frames to a ``.parquet`` file, each as a row group of the types of the first.

    Frames at the front are kept until one has rows, and each column a value, or there are many
    rows: without values a column has no type.

    Args:
        path: The file, for messages.
        file: It, opened to be written.
        closing: An ``ExitStack``, which closes it.
    """
    _check_pyarrow("Cannot write", path)
    import pyarrow
    import pyarrow.parquet

    writer, kept = None, []

    def append(frame: "pd.DataFrame") -> None:
        kept.append(frame)
        if writer is None and sum(map(len, kept)) < _KEPT_ROWS:
            given = [each.notna().any() for each in kept]
            if not np.logical_or.reduce(given).all():
                return
        write()

    def write() -> None:
        nonlocal writer
        if writer is None and kept:
            writer = pyarrow.parquet.ParquetWriter(file, _schema_of(kept))
        for frame in kept:
            try:
                table = pyarrow.Table.from_pandas(frame, writer.schema, preserve_index=False)
            except pyarrow.ArrowException as error:
                raise InputError(
                    f"Cannot write {path}: a column has other types than in the rows above "
                    f"({brief(error)}); write a .csv file."
                ) from None
            writer.write_table(table)
        kept.clear()

    def close(kind, error, trace) -> None:
        del error, trace
        if kind is None:
            write()
        if writer is not None:
            writer.close()

    closing.push(close)
    return append


def _schema_of(frames: Sequence["pd.DataFrame"]):
    """The types of columns that several frames hold, each by those frames that have values."""
    import pyarrow

    fields = []
    for name in frames[0].columns:
        given = [frame[name] for frame in frames if frame[name].notna().any()]
        column = (given or [frames[0][name]])[0]
        fields.append(pyarrow.field(name, pyarrow.Array.from_pandas(column).type))
    return pyarrow.schema(fields)


def _check_pyarrow(doing: str, path: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            f"{doing} {path}: {path.suffix[1:].lower()} needs pyarrow; "
            "pip install 'tfp-flows[parquet]'."
        ) from None
