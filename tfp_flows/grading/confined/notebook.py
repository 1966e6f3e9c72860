"""A submission's bytes to its cells of code."""

import contextlib
import io
import json
import re
import tokenize
from typing import Any, NamedTuple

# What notebooks begin with; a script may begin with a brace as well.
_NOTEBOOK = re.compile(r'\s*\{\s*"(?:cells|metadata|nbformat|nbformat_minor|worksheets)"\s*:')
_SCRIPT = re.compile(r"^[ \t]*(?:(?:def|class|import|from)[ \t]+\w|exec\()", re.M)
_HEAD = 400


class NotCode(Exception):
    """The file holds no code that could be graded; the message says what it is."""


class Cell(NamedTuple):
    """A cell of code: where it is, for messages, and its text."""

    place: str
    source: str


def read_cells(data: bytes, name: str) -> list[Cell]:
    """Reads a notebook, or a script as one cell.

    Args:
        data: Content of the file.
        name: Its name; the suffix says what it should be, the content what it is.

    Raises:
        NotCode: It is empty, binary, or a damaged notebook.
    """
    if not data.strip():
        raise NotCode("The file is empty.")
    text = _decode(data)
    named = name.lower().endswith(".ipynb")
    if named or text.lstrip()[:1] == "{":
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            if _NOTEBOOK.match(text) or (named and not _SCRIPT.search(_lines(text))):
                raise NotCode("The file is not a notebook: its JSON is damaged.") from None
        else:
            if named or (isinstance(content, dict) and {"cells", "worksheets"} & set(content)):
                return _notebook(content)
    return [Cell("", _lines(text))]


def _decode(data: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32")):
        if data[:4] == mark:
            return data.decode(encoding, "replace")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise NotCode("The file is binary, neither a notebook nor Python code.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _in_its_own_encoding(data)
    strange = sum(character < " " and character not in "\t\n\r\f" for character in text[:10_000])
    if strange > 20:
        raise NotCode("The file is binary, neither a notebook nor Python code.")
    return text


def _in_its_own_encoding(data: bytes) -> str:
    """Text that is not UTF-8: as its first lines say, as for Python."""
    with contextlib.suppress(SyntaxError, UnicodeDecodeError, LookupError):
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data[:_HEAD]).readline)
        if not encoding.startswith("utf-8"):
            return data.decode(encoding)
    return data.decode("latin-1")


def _notebook(content: Any) -> list[Cell]:
    if not isinstance(content, dict):
        raise NotCode("The file is not a notebook: it has no cells.")
    cells = content.get("cells")
    if cells is None and isinstance(content.get("worksheets"), list):  # format 3
        sheets = [sheet for sheet in content["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(cells, list):
        raise NotCode("The file is not a notebook: it has no cells.")
    found = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input"))
            found.append(Cell(f"cell {number}", _joined(source)))
    if not any(cell.source.strip() for cell in found):
        raise NotCode("The notebook has no code in it.")
    return found


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []


def _joined(source: Any) -> str:
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return _lines(source) if isinstance(source, str) else ""


def _lines(text: str) -> str:
    """The text with the ends of line that Python makes of all others."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
