"""Text tables read block by block: each is read under the file's first rows.

The header, the separator and the first rows of a file stand above each block of it, so that a
cell such as ``1,500`` means the same in all of them, as far as those rows tell.
"""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tfp_flows.datasets._raw import Options, RawTable
from tfp_flows.datasets._text import ENCODINGS, text_of
from tfp_flows.datasets._text_tables import read_text_table, table_of

_PACKED: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_ZIP = b"PK\x03\x04"
# More than the header is decided by.
_LINES = 300


class Head(NamedTuple):
    """What of the front of a file is needed to read a block from its middle.

    Attributes:
        text: The first lines, with the header if there is one.
        rows: How many rows of values are in them.
        separator: What stands between cells.
    """

    text: bytes
    rows: int
    separator: str


def text_blocks(path: Path, options: Options, size: int) -> Iterator[RawTable]:
    """Reads a table of text, packed or not, block by block.

    A file that is no longer than a block, and one in UTF-16, UTF-32, a ``.zip`` archive or with
    the line ends of old machines, is read whole.

    Args:
        path: The file.
        options: How to read it.
        size: Bytes of a block.

    Raises:
        InputError: As `read_text_table`.
    """
    with opened_text(path) as file:
        first = file.read(size)
        if not is_cuttable(first) or len(first) < size:
            yield read_text_table(path, options)
            return
        head = head_of(path, first, options)
        blocks = whole_rows(file, size, first)
        yield first_table(path, next(blocks), head, options)
        for data in blocks:
            yield block_table(path, data, head, options)


def opened_text(path: Path) -> BinaryIO:
    """A file of text, unpacked by what it is and not by what it is called."""
    with path.open("rb") as file:
        start = file.read(8)
    for mark, opener in _PACKED.items():
        if start.startswith(mark):
            return opener(path)
    return path.open("rb")


def is_packed(path: Path) -> bool:
    """Whether a file of text has no places that one can go to."""
    with path.open("rb") as file:
        start = file.read(8)
    return start.startswith((_ZIP, *_PACKED))


def is_cuttable(first: bytes) -> bool:
    """Whether a text that begins so can be cut at the ends of its lines."""
    whole = (_ZIP, *(mark for mark, name in ENCODINGS.items() if name != "utf-8-sig"))
    return b"\n" in first and not first.startswith(whole)


def whole_rows(file: BinaryIO, size: int, rest: bytes = b"") -> Iterator[bytes]:
    """Cuts the rest of a file into blocks of whole rows.

    Args:
        file: The file, unpacked.
        size: Bytes of a block, about.
        rest: What was read of it before.
    """
    pieces = rest
    while True:
        more = file.read(size) if len(pieces) < size or not _end(pieces) else b""
        pieces += more
        end = _end(pieces)
        if not more and len(pieces) < size:
            if pieces.strip():
                yield pieces
            return
        if end:
            yield pieces[:end]
            pieces = pieces[end:]
        elif not more:
            yield pieces
            return


def _end(data: bytes) -> int:
    """Where the last row ends that is whole: at an end of line that is in no quotes."""
    end, quotes = data.rfind(b"\n") + 1, data.count(b'"')
    quotes -= data.count(b'"', end)
    while end and quotes % 2:
        before = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', before, end)
        end = before
    return end


def head_of(path: Path, first: bytes, options: Options) -> Head:
    """What of the first block is needed to read the others."""
    lines = first.split(b"\n", _LINES)
    end = len(first) - len(lines[-1]) if len(lines) > _LINES else len(first)
    text = first[: _end(first[:end]) or _end(first)]
    found = text_of(path, text)
    return Head(text, len(table_of(path, found, options).columns[0]), found.separator)


def first_table(path: Path, data: bytes, head: Head, options: Options) -> RawTable:
    """The table in the first block of a file."""
    return table_of(path, text_of(path, data, head.separator), options)


def block_table(path: Path, data: bytes, head: Head, options: Options) -> RawTable:
    """The table in a block from the middle of a file."""
    raw = table_of(path, text_of(path, head.text + data, head.separator), options)
    return raw._replace(columns=[column[head.rows :] for column in raw.columns], remarks=())
