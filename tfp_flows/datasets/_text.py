"""Text tables as bytes: packing, encoding, comments, the separator and the first rows."""

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tfp_flows.datasets._cells import MARKS, is_missing, is_numeric
from tfp_flows.errors import InputError

PACKINGS = (".gz", ".bz2", ".xz", ".zip")
BLANKS, GUESSED = r"\s+", "cp1252"
_HEAD_BYTES = 2**20
_HEAD_ROWS = 200
# Errors of spreadsheets (#N/A) are cells.
COMMENT = re.compile(rb"^[ \t]*#(?!N/?A\b|DIV/0!|VALUE!|REF!|NUM!|NAME\?)[^\r\n]*", re.MULTILINE)
_NUMBER_SIGN = re.compile(
    rb"\s*(?P<names>#(?P<sign>[,;\t|])[^\r\n]*)[\r\n]+(?P<row>[^\r\n#][^\r\n]*)"
)
_SEPARATOR_LINE = re.compile(rb'\s*"?sep=(.)"?[ \t]*(?:\r?\n)')
_QUOTED = re.compile(r'\s*"(?:[^"]|"")*"\s*(?:[,;|\s]\s*"(?:[^"]|"")*"\s*)*')
# Marks at the start of a file, longest first: that of UTF-32 begins with that of UTF-16.
ENCODINGS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}


class Text(NamedTuple):
    """A text table, not yet parsed.

    Attributes:
        data: UTF-8; comments are blank lines, so that lines keep their numbers.
        separator: What stands between cells, as pandas takes it.
        rows: Cells of the first rows that are not blank.
        body: Number of the byte at which the second row begins.
        quoted: Whether all cells of the first row are in quotes, and not all of the second.
        comment: Cells of the last comment above the first row, or None.
        remarks: What was assumed of the encoding, and of lines that were taken as comments.
        encoding: That of its letters; empty if all are of ASCII.
    """

    data: bytes
    separator: str
    rows: list[list[str]]
    body: int
    quoted: bool
    comment: list[str] | None
    remarks: tuple[str, ...]
    encoding: str

    def below_header(self) -> bytes:
        """The rows below the first, with blank lines for what is above."""
        return b"\n" * self.data.count(b"\n", 0, self.body) + self.data[self.body :]


def read_text(path: Path) -> Text:
    """Unpacks, decodes and looks into a file of text.

    Raises:
        InputError: If an archive holds several files, or the file holds no row.
        UnicodeError: If it is not text.
    """
    return text_of(path, _unpacked(path))


def text_of(path: Path, data: bytes, separator: str | None = None) -> Text:
    """Looks into the bytes of a text, unpacked; see `read_text`.

    Args:
        path: The file, for messages.
        data: The bytes.
        separator: What stands between cells, where that is known.
    """
    data, remarks, encoding = _decoded(path, data)
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    given = _SEPARATOR_LINE.match(data)
    if given:
        data = b"\n" + data[given.end() :]
    comment, head, left_out = None, _head(data), []
    if b"#" in data:
        data = _with_quoted_number_sign(data)
        comment = _last_comment(_head(data))
        data, left_out = _without_comments(data)
        head = _head(data)
    if not head.strip():
        raise InputError(f"{path} holds nothing but blank lines; give a file with rows.")
    separator = separator or (given[1].decode() if given else _separator(head))
    rows = list(_rows(head, separator))
    body, quoted = _first_row(head, separator)
    like_rows = sum(
        place > body and line.count(separator.encode()) == len(rows[0]) - 1 > 0
        for place, line in left_out
    )
    if like_rows:
        remarks.append(
            f"Lines of {path.name} that begin with # are left out as comments, but {like_rows} of "
            "them have as many cells as a row; put their first cells into quotes if they are rows."
        )
    return Text(
        data,
        separator,
        rows,
        body,
        quoted,
        next(_rows(comment, separator), None) if comment else None,
        tuple(remarks),
        encoding,
    )


def _with_quoted_number_sign(data: bytes) -> bytes:
    """Puts the name ``#`` of a first column into quotes, which else would make it a comment."""
    found = _NUMBER_SIGN.match(data)
    if found and found["names"].count(found["sign"]) == found["row"].count(found["sign"]):
        return data[: found.start("names")] + b'"#"' + data[found.start("names") + 1 :]
    return data


def _without_comments(data: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Makes lines that begin with # blank, but within quotes; and those lines with their places."""
    pieces, found = [], []
    end, kept, counted, inside = 0, 0, 0, False
    for comment in COMMENT.finditer(data):
        inside ^= bool(data.count(b'"', counted, comment.start()) % 2)
        counted = comment.start() if inside else comment.end()
        if not inside:
            pieces.append(data[end : comment.start()])
            kept += len(pieces[-1])
            found.append((kept, comment[0]))
            end = comment.end()
    return b"".join(pieces) + data[end:], found


def _unpacked(path: Path) -> bytes:
    """The content of a file, unpacked by what it is and not by what it is called."""
    data = path.read_bytes()
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
            if len(names) != 1:
                raise InputError(
                    f"{path} holds {len(names)} files; unpack it and give the one to read."
                )
            return archive.read(names[0])
    unpackers: dict[bytes, Callable[[bytes], bytes]] = {
        b"\x1f\x8b": gzip.decompress,
        b"BZh": bz2.decompress,
        b"\xfd7zXZ\x00": lzma.decompress,
    }
    for start, unpack in unpackers.items():
        if data.startswith(start):
            return unpack(data)
    return data


def _decoded(path: Path, data: bytes) -> tuple[bytes, list[str], str]:
    """The text as UTF-8, a remark if its encoding was a guess, and that; none of ASCII."""
    for start, encoding in ENCODINGS.items():
        if data.startswith(start):
            return data.decode(encoding).encode(), [], encoding
    try:
        data.decode()
    except UnicodeError:
        if b"\0" in data:
            raise
        text = data.decode(GUESSED)
        word = next(word for word in re.findall(r"\S+", text) if not word.isascii())
        remark = (
            f"{path.name} is not UTF-8 text and is read as Windows-1252, in which it has the word "
            f"{word[:40]!r}; save it as UTF-8 if that is wrong."
        )
        return text.encode(), [remark], GUESSED
    return data, [], "" if data.isascii() else "utf-8"


def _head(data: bytes) -> str:
    """The first lines, whole, as text."""
    if len(data) > _HEAD_BYTES:
        end = data.rfind(b"\n", 0, _HEAD_BYTES) + 1
        data = data[: end or None]
    return data.decode()


def _last_comment(head: str) -> str | None:
    """The last of the comments that stand above all rows, without its sign."""
    last = None
    for line in head.splitlines():
        if line.lstrip().startswith("#"):
            last = line.lstrip().lstrip("#").strip()
        elif line.strip():
            break
    return last


def _rows(head: str, separator: str) -> Iterator[list[str]]:
    lines = io.StringIO(head, newline="")
    delimiter = " " if separator == BLANKS else separator
    found = 0
    for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
        cells = [cell.strip() for cell in row]
        if separator == BLANKS:
            cells = [cell for cell in cells if cell]
        if any(cells):
            found += 1
            yield cells
        if found == _HEAD_ROWS:
            return


def _first_row(head: str, separator: str) -> tuple[int, bool]:
    """Where the second row begins, in bytes, and whether only the first one is in quotes."""
    lines = io.StringIO(head, newline="")
    delimiter = " " if separator == BLANKS else separator
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if any(cell.strip() for cell in row):
            break
    parts = list(io.StringIO(head, newline=""))
    above, rest = "".join(parts[: reader.line_num]), parts[reader.line_num :]
    second = next((line for line in rest if line.strip()), "")
    quoted = bool(_QUOTED.fullmatch(above)) and '"' not in second
    return len(above.encode()), quoted


def _is_like_number(cell: str) -> bool:
    return is_numeric(cell) or is_missing(cell) or cell in MARKS


def _separator(head: str) -> str:
    """The separator that cuts the rows into equally many cells, most of them numbers."""
    best, most = ",", (0.0, 0)
    for separator in ",;\t|":
        try:
            rows = list(_rows(head, separator))
        except csv.Error:  # lines without it that are too long for a cell
            continue
        width = len(rows[0]) if rows else 0
        if width < 2:
            continue
        below = rows[1:] or rows
        same = sum(len(row) == width for row in below) / len(below)
        cells = [cell for row in below for cell in row]
        # The second term decides where no cell is a number.
        share = sum(map(_is_like_number, cells)) / len(cells)
        if (same * (share + 0.01), width) > most:
            best, most = separator, (same * (share + 0.01), width)
    if most[1]:
        return best
    rows = list(_rows(head, BLANKS))
    width = len(rows[0])
    below = [cell for row in rows[1:] for cell in row]
    numbers = 2 * sum(map(_is_like_number, below)) >= len(below)
    if width > 1 and numbers and all(len(row) == width for row in rows):
        return BLANKS
    return best
