"""A submission's bytes to its cells of code."""

import json
import re
from typing import Any, NamedTuple

_OTHER_LANGUAGE = re.compile(
    r"%%(?!time\b|timeit\b|capture\b|prun\b|python3?\b|tensorflow_version\b|matplotlib\b)\w+"
)
_MAGIC = re.compile(r"^(\s*)(?:[!%?]|[\w.]+\?{1,2}\s*$)")
_MAGIC_ASSIGNED = re.compile(r"^(\s*[\w, ]+=\s*)[!%].*$")


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
    looks_like_json = text.lstrip()[:1] == "{"
    if name.lower().endswith(".ipynb") or looks_like_json:
        return _notebook(text)
    return [Cell("", text)]


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise NotCode("The file is binary, neither a notebook nor Python code.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    strange = sum(character < " " and character not in "\t\n\r\f" for character in text[:10_000])
    if strange > 20:
        raise NotCode("The file is binary, neither a notebook nor Python code.")
    return text


def _notebook(text: str) -> list[Cell]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise NotCode("The file is not a notebook: its JSON is damaged.") from None
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
    return source.replace("\r\n", "\n") if isinstance(source, str) else ""


def without_magics(source: str) -> str:
    """Replaces the lines that only IPython understands; the others keep their numbers."""
    first = source.lstrip().partition("\n")[0]
    if _OTHER_LANGUAGE.match(first):
        return ""
    lines = []
    for line in source.split("\n"):
        magic = _MAGIC.match(line)
        lines.append(f"{magic[1]}pass" if magic else _MAGIC_ASSIGNED.sub(r"\1None", line))
    return "\n".join(lines)
