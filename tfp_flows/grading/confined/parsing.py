"""Cells to syntax trees, around what is no Python in them."""

import ast
import contextlib
import re
from typing import NamedTuple

from .ipython import without_magics
from .notebook import Cell

LONGEST_SOURCE = 4 << 20
_MOST_REPAIRS = 200
_DEFINED = re.compile(r"[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|(\w+)[ \t]*=")


class Broken(NamedTuple):
    """A piece of code that is not Python.

    Attributes:
        place: Where it is; "" in a script.
        line: Line of the mistake.
        last: Line on which the piece ends.
        message: What is wrong.
        defines: Names that it seems to define.
    """

    place: str
    line: int
    last: int
    message: str
    defines: list[str]


def parse(cell: Cell) -> tuple[ast.Module | None, str, list[Broken]]:
    """The tree of a cell, the text that it is of, and what had to be left out.

    Both have the lines of the cell.
    """
    source, broken = cell.source, []
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse(source), source, broken
    source = without_magics(source)
    for _ in range(_MOST_REPAIRS):
        try:
            return ast.parse(source), source, broken
        except SyntaxError as error:
            line, message = _line_of(error, source), error.msg
        except (ValueError, RecursionError, MemoryError):
            end = source.count("\n") + 1
            nested = Broken(cell.place, 1, end, "the code is too nested", _defined(source))
            return None, source, [*broken, nested]
        source, text, last = _without_piece(source, line)
        if not text.strip():
            break
        broken.append(Broken(cell.place, line, last, message[:200], _defined(text)))
    return None, source, broken


def _defined(text: str) -> list[str]:
    found = (_DEFINED.match(line) for line in text.split("\n"))
    return sorted({match[1] or match[2] for match in found if match})


def _line_of(error: SyntaxError, source: str) -> int:
    """Where the mistake is; Python tells of an unfinished block at the line after it."""
    opened = re.search(r"on line (\d+)", error.msg)
    if opened:
        return int(opened[1])
    line = min(error.lineno or 1, source.count("\n") + 1)
    if error.msg.startswith("expected 'except'"):
        lines = source.split("\n")
        line = next((n for n in range(line - 1, 0, -1) if lines[n - 1].strip()), 1)
    return line


def _without_piece(source: str, line: int) -> tuple[str, str, int]:
    """Blanks the top-level piece of code that holds a line; the others keep their numbers."""
    lines = source.split("\n")
    start = line - 1
    while start > 0 and (not lines[start].strip() or lines[start][:1] in " \t)]}#"):
        start -= 1
    # An error at a line without indentation may belong to a piece above that was left open.
    stop = start + 1
    while stop < len(lines) and (not lines[stop].strip() or lines[stop][:1] in " \t)]}"):
        stop += 1
    while start > 0 and lines[start - 1].startswith("@"):
        start -= 1
    text = "\n".join(lines[start:stop])
    lines[start:stop] = [""] * (stop - start)
    return "\n".join(lines), text, stop
