"""Tables read block by block, from a file or from a folder of parts, in constant memory."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfp_flows.datasets._agreement import Agreement
from tfp_flows.datasets._arrow import arrow_blocks, arrow_kinds
from tfp_flows.datasets._choosing import chosen_of, expecting, matching_of
from tfp_flows.datasets._mixed import frame_of
from tfp_flows.datasets._raw import Options, RawTable, counted_from
from tfp_flows.datasets._readers import READERS, corruption, format_of, other_kind, prepared, unique
from tfp_flows.datasets._text import GUESSED
from tfp_flows.datasets._text_blocks import text_blocks
from tfp_flows.datasets._text_tables import read_text_table
from tfp_flows.datasets.frames import Frame
from tfp_flows.datasets.tables import Table, checked_table
from tfp_flows.errors import InputError

BLOCK_ROWS = 50_000
BLOCK_BYTES = 2**24
LOOKED_AT = 2**16


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which columns are read, and how; see `load_matching`.

    Attributes:
        names: The columns.
        named: Whether the names came from a file.
        optional: Those that may lack.
        key: Which array or sheet.
        header: Whether there is a header.
        agreement: What was decided in the blocks and files that were read by it.
    """

    names: tuple[str, ...]
    named: bool = True
    optional: tuple[str, ...] = ()
    key: str | None = None
    header: bool | None = None
    agreement: Agreement = dataclasses.field(default_factory=Agreement, repr=False, compare=False)


def is_streamed(path: Path) -> bool:
    """Whether a file is read block by block; others are read whole."""
    suffix = format_of(path)[0]
    return suffix == ".parquet" or READERS.get(suffix) is read_text_table


def blocks(
    path: Path,
    options: Options,
    names: Sequence[str] | None = None,
    rows: int | None = None,
    size: int | None = None,
    agreement: Agreement | None = None,
) -> Iterator[RawTable]:
    """Reads a file block by block, as `load_frame` and `load_table` read it whole.

    Args:
        path: The file.
        options: How to read it.
        names: The only columns that are needed, where a format allows to leave others out.
        rows: Most rows of a block, of a format with rows; `BLOCK_ROWS` if None.
        size: Bytes of a block, of text; `BLOCK_BYTES` if None.
        agreement: What other files have decided.

    Raises:
        InputError: As `load_frame`; if the cells of a block are not read as those before it.
    """
    agreement = agreement or Agreement()
    reader = prepared(path, options)
    with corruption(path):
        if format_of(path)[0] == ".parquet":
            found: Iterator[RawTable] = arrow_blocks(path, names, rows or BLOCK_ROWS)
        elif reader is read_text_table:
            found = text_blocks(path, options, size or BLOCK_BYTES)
        else:
            found = iter((reader(path, options),))
        first, told = 0, False
        while True:
            with counted_from(first):
                raw = next(found, None)
                if raw is None:
                    return
                guessed = raw.encoding == GUESSED
                remarks = raw.remarks if guessed and not told else ()
                raw = unique(path, raw)._replace(first=first)
                agreement.check(path, raw, names)
            yield raw._replace(remarks=remarks) if first else raw
            first, told = first + len(raw.columns[0]), guessed or told


def tables(path: Path, wanted: Wanted, *, drop_invalid: bool = False) -> Iterator[Table]:
    """The columns of a model in a file, numbers alone, block by block; see `load_matching`.

    `Table.rows` counts through the file, and blocks may be left without a row.
    """
    for raw in _matching(path, wanted, mixed=False):
        table = checked_table(path, raw, drop_invalid, block=True)
        yield dataclasses.replace(table, rows=table.rows + raw.first)


def frames(path: Path, wanted: Wanted) -> Iterator[Frame]:
    """The columns of a model in a file, block by block; see `load_matching_frame`."""
    for raw in _matching(path, wanted, mixed=True):
        yield Frame(frame_of(path, raw.names, raw.columns), raw.named, raw.remarks, _rows(raw))


def chosen(
    path: Path,
    columns: Sequence[str | int] | None,
    *,
    key: str | None = None,
    header: bool | None = None,
) -> Iterator[Frame]:
    """The columns that are asked for, block by block; see `load_frame`."""
    for raw in blocks(path, Options(key, header, mixed=True), columns):
        found = chosen_of(path, raw, columns)
        remarks = () if raw.first else found.remarks
        yield Frame(frame_of(path, found.names, found.columns), found.named, remarks, _rows(raw))


def _rows(raw: RawTable) -> np.ndarray:
    """The numbers of the rows of a block in its file, from 1."""
    return np.arange(raw.first + 1, raw.first + len(raw.columns[0]) + 1)


def check_parts(parts: Sequence[Path], wanted: Wanted, *, mixed: bool) -> None:
    """Checks that all parts have the columns of a model, and of one kind, before any is read.

    Raises:
        InputError: If a part lacks a column, or has it of another kind than the first part.
    """
    first: dict[str, tuple[Path, str]] = {}
    agreement = Agreement()
    for part in parts:
        names, kinds = wanted.names, {}
        if format_of(part)[0] == ".parquet":
            prepared(part, Options())
            with corruption(part):
                kinds = arrow_kinds(part)
            names = tuple(kinds)
        elif is_streamed(part):
            options = expecting(_options(wanted, mixed), wanted.names, named=wanted.named)
            needed = wanted.names if wanted.named else None
            names = next(blocks(part, options, needed, size=LOOKED_AT, agreement=agreement)).names
        lacking = [n for n in wanted.names if n not in (*names, *wanted.optional)]
        if wanted.named and len(parts) > 1 and lacking:
            raise InputError(
                f"{part} lacks the column {lacking[0]!r}, which other parts or the model have; "
                "give parts with the same columns."
            )
        # Without a kind are columns all of whose cells are missing.
        for name in (name for name in wanted.names if kinds.get(name)):
            origin, usual = first.setdefault(name, (part, kinds[name]))
            if kinds[name] != usual:
                raise other_kind(name, part, kinds[name], origin, usual)


def _options(wanted: Wanted, mixed: bool) -> Options:
    return Options(wanted.key, wanted.header, mixed=mixed)


def _matching(path: Path, wanted: Wanted, *, mixed: bool) -> Iterator[RawTable]:
    """The columns of a model, block by block."""
    about = {"named": wanted.named, "optional": wanted.optional}
    options = expecting(_options(wanted, mixed), wanted.names, **about)
    names = wanted.names if wanted.named else None
    for raw in blocks(path, options, names, agreement=wanted.agreement):
        with counted_from(raw.first):
            found = matching_of(path, raw, wanted.names, **about)
        yield found._replace(remarks=raw.remarks) if raw.first else found
