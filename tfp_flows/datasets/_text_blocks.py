"""Text tables read block by block: each is read under the file's first rows.

The header, the separator and the first rows of a file stand above each block of it, so that a
cell such as ``1,500`` means the same in all of them, as far as those rows tell.
"""

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from tfp_flows.datasets._raw import Options, RawTable
from tfp_flows.datasets._text import BLANKS, COMMENT, ENCODINGS, GUESSED, text_of
from tfp_flows.datasets._text_tables import read_text_table, table_of

_PACKED: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_ZIP = b"PK\x03\x04"
_LINE = re.compile(rb"[^\n]*[^\s][^\n]*(?:\n|\Z)")
# More than the header is decided by; and so few that more of a file of wide rows is read.
_LINES, _FEW = 300, 20
# Of so many blocks without the end of a row, the last line is taken to end one.
_BLOCKS_OF_A_ROW = 4


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
        first = front_of(file, size)
        if first is None:
            yield read_text_table(path, options)
            return
        head = head_of(path, first, options)
        blocks = whole_rows(file, size, first, head.separator)
        yield first_table(path, next(blocks), head, options)
        for data in blocks:
            if has_rows(data):
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


def front_of(file: BinaryIO, size: int) -> bytes | None:
    """The front of a file of text with some rows, a block or more; None if it is read whole."""
    first = file.read(size)
    if not _is_cuttable(first):
        return None
    while len(first) >= size:
        if len(_first_lines(first, _FEW + 1)) > _FEW:
            return first
        size = 2 * len(first)
        first += file.read(len(first))
    return None


def has_rows(data: bytes) -> bool:
    """Whether there is more in a block than blank lines and comments."""
    return bool(_first_lines(data, 1))


def _first_lines(data: bytes, count: int) -> list[int]:
    """Where the first lines end that are neither blank nor comments."""
    ends = []
    for line in _LINE.finditer(data):
        if not COMMENT.match(line[0]):
            ends.append(line.end())
            if len(ends) == count:
                break
    return ends


def _is_cuttable(first: bytes) -> bool:
    """Whether a text that begins so can be cut at the ends of its lines."""
    whole = (_ZIP, *(mark for mark, name in ENCODINGS.items() if name != "utf-8-sig"))
    return b"\n" in first and not first.startswith(whole)


def whole_rows(file: BinaryIO, size: int, rest: bytes, separator: str) -> Iterator[bytes]:
    """Cuts the rest of a file into blocks of whole rows.

    Args:
        file: The file, unpacked.
        size: Bytes of a block, about.
        rest: What was read of it before.
        separator: What stands between cells.
    """
    pieces, longest = rest, _BLOCKS_OF_A_ROW * max(size, len(rest))
    while True:
        end = _end(pieces, separator) if len(pieces) >= size else 0
        if not end and len(pieces) >= longest:
            end = pieces.rfind(b"\n") + 1
        if end:
            yield pieces[:end]
            pieces = pieces[end:]
        elif more := file.read(size):
            pieces += more
        else:
            if pieces.strip():
                yield pieces
            return


def _end(data: bytes, separator: str) -> int:
    """Where the last row ends that is whole: at an end of line that is in no quotes."""
    end = data.rfind(b"\n") + 1
    if not _are_odd(np.frombuffer(data, np.uint8, end)):
        return end
    # Only now, because it takes longer: a quote within a cell, or a comment, opens nothing.
    before = rb"[ \t]" if separator == BLANKS else re.escape(separator.encode()) + b" *"
    cells = re.compile(
        rb'(?P<comment>%s)|(?:^ *|%s)"[^"]*(?:""[^"]*)*(?P<close>"?)' % (COMMENT.pattern, before),
        re.MULTILINE,
    )
    for cell in cells.finditer(data, 0, end):
        if cell["comment"] is None and not cell["close"]:
            return data.rfind(b"\n", 0, cell.start() + 1) + 1
    return end


def _are_odd(data: np.ndarray) -> bool:
    """Whether a line has an odd number of quotes."""
    quotes = np.flatnonzero(data == ord('"'))
    if not len(quotes):
        return False
    lines = np.searchsorted(np.flatnonzero(data == ord("\n")), quotes)
    return bool((np.bincount(lines) % 2).any())


def head_of(path: Path, first: bytes, options: Options) -> Head:
    """What of the first block is needed to read the others."""
    whole = first[: first.rfind(b"\n") + 1]
    separator = text_of(path, whole).separator
    text = first[: _end(first[: _first_lines(whole, _LINES)[-1]], separator)]
    for longer in (first[: _end(first, separator)], whole):
        text = text if len(_first_lines(text, 2)) == 2 else longer
    return Head(text, len(table_of(path, text_of(path, text), options).columns[0]), separator)


def first_table(path: Path, data: bytes, head: Head, options: Options) -> RawTable:
    """The table in the first block of a file."""
    return table_of(path, text_of(path, data, head.separator), options)


def block_table(path: Path, data: bytes, head: Head, options: Options) -> RawTable:
    """The table in a block from the middle of a file."""
    text = text_of(path, head.text + data, head.separator)
    raw = table_of(path, text, options, head.text.count(b"\n"))
    remarks = [remark for remark in text.remarks if text.encoding == GUESSED]
    columns = [column[head.rows :] for column in raw.columns]
    return raw._replace(columns=columns, remarks=tuple(remarks[:1]))
