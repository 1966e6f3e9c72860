"""Tables too large for memory: their parts cut into units that can be read in any order."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfp_flows.datasets import blocks as sizes
from tfp_flows.datasets._agreement import Agreement
from tfp_flows.datasets._arrow import arrow_groups, number_of_groups, opened_arrow, size_of_cells
from tfp_flows.datasets._choosing import chosen_of, expecting, matching_of
from tfp_flows.datasets._raw import Options, RawTable, counted_from
from tfp_flows.datasets._readers import corruption, format_of, parts_of, unique
from tfp_flows.datasets._text_blocks import (
    Head,
    block_table,
    first_table,
    front_of,
    has_rows,
    head_of,
    is_packed,
    opened_text,
    whole_rows,
)
from tfp_flows.datasets.blocks import Wanted, blocks, check_parts, is_streamed
from tfp_flows.errors import InputError

_PACKING = 4


class Unit(NamedTuple):
    """Rows that are read together.

    Attributes:
        path: The file.
        place: Number of a row group; first and last byte of a text; None for a whole file.
    """

    path: Path
    place: Any


class Units:
    """The columns that are asked for of a file or folder of parts, unit by unit.

    Args:
        path: The file or folder.
        columns: Which columns, by name or number; all if None.
        header: Whether text has a header; see `load_table`.
        mixed: Whether columns may hold other things than numbers.

    Attributes:
        wanted: The columns of all parts, by those of the first.
        remarks: What was decided in reading the first part.

    Raises:
        InputError: If a part cannot be read block by block, lacks a column, or has it of another
            kind than the first part.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Sequence[str | int] | None = None,
        *,
        header: bool | None = None,
        mixed: bool = False,
    ):
        self.parts = parts_of(path)
        for part in self.parts:
            if not is_streamed(part):
                raise InputError(
                    f"{part} cannot be read block by block; write .parquet or text, or give "
                    "--no-stream."
                )
        options = Options(None, header, mixed=mixed)
        fronts = (
            (p, next(blocks(p, options, rows=1000, size=sizes.LOOKED_AT))) for p in self.parts
        )
        first, found = next(((p, raw) for p, raw in fronts if len(raw.columns[0])), (None, None))
        if found is None:
            raise InputError(f"{path} holds no values; give a file with rows.")
        found = chosen_of(first, found, columns)
        self.wanted = Wanted(tuple(found.names), found.named, header=header)
        self.remarks = found.remarks
        self._agreement = Agreement()
        self._options = expecting(options, self.wanted.names, named=self.wanted.named)
        self._heads: dict[Path, Head] = {}
        if len(self.parts) > 1:
            check_parts(self.parts, self.wanted, mixed=mixed)

    def scan(self) -> Iterator[tuple[Unit, RawTable]]:
        """All blocks in their order, each with its unit; several blocks may be of one."""
        for part in self.parts:
            first = 0
            if format_of(part)[0] == ".parquet":
                units = (Unit(part, group) for group in range(number_of_groups(part)))
            else:
                units = self._cut(part)
            for unit, raw in self._read_all(units):
                yield unit, raw._replace(first=first)
                first += len(raw.columns[0])

    def _read_all(self, units: Iterator[Unit]) -> Iterator[tuple[Unit, RawTable]]:
        first = 0
        for unit in units:
            with counted_from(first):
                for raw in self.read(unit):
                    yield unit, raw
                    first += len(raw.columns[0])

    def read(self, unit: Unit) -> Iterator[RawTable]:
        """The blocks of a unit that `scan` has met."""
        path, names = unit.path, self.wanted.names
        with corruption(path):
            for raw in self._blocks(unit):
                raw = unique(path, raw)
                self._agreement.check(path, raw, names if self.wanted.named else None)
                found = matching_of(path, raw, names, named=self.wanted.named)
                yield found._replace(remarks=())

    def _blocks(self, unit: Unit) -> Iterator[RawTable]:
        path = unit.path
        if unit.place is None:
            yield from blocks(path, self._options)
        elif isinstance(unit.place, int):
            names = self.wanted.names if self.wanted.named else None
            with opened_arrow(path) as file:
                yield from arrow_groups(path, file, names, sizes.BLOCK_ROWS, [unit.place])
        else:
            start, stop = unit.place
            with path.open("rb") as file:
                file.seek(start)
                data, head = file.read(stop - start), self._heads[path]
            yield (block_table if start else first_table)(path, data, head, self._options)

    def _cut(self, path: Path) -> Iterator[Unit]:
        if is_packed(path):
            yield Unit(path, None)
            return
        with opened_text(path) as file:
            first = front_of(file, sizes.BLOCK_BYTES)
            if first is None:
                yield Unit(path, None)
                return
            head = self._heads[path] = head_of(path, first, self._options)
            start = 0
            for data in whole_rows(file, sizes.BLOCK_BYTES, first, head.separator):
                if has_rows(data):
                    yield Unit(path, (start, start + len(data)))
                start += len(data)


def size_in_memory(
    path: str | os.PathLike[str], columns: Sequence[str | int] | None = None
) -> int | None:
    """About how many bytes the cells of a table take, before it is read.

    Eight for each cell of a ``.parquet`` file, and as many as a text has, four times those of a
    packed one.

    Args:
        path: The file or folder.
        columns: Those that are asked for, if not all.

    Returns:
        The bytes; None for formats that are read whole.
    """
    total = 0
    for part in parts_of(path):
        if not part.is_file() or not is_streamed(part):
            return None
        if format_of(part)[0] == ".parquet":
            with corruption(part):
                total += size_of_cells(part, None if columns is None else len(columns))
        else:
            size = part.stat().st_size
            total += size * _PACKING if is_packed(part) else size
    return total
