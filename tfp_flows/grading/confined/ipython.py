"""What only IPython understands, taken out of a cell so that Python understands the rest."""

import ast
import contextlib
import re
from collections.abc import Iterator

PYTHON_MAGICS = frozenset(
    ["time", "timeit", "capture", "prun", "python", "python3", "tensorflow_version", "matplotlib"]
)
_CELL_MAGIC = re.compile(r"%%(\w+)")
_MAGIC = re.compile(r"^(\s*)(?:[!%?]|[\w.]+\?{1,2}\s*$)")
_MAGIC_ASSIGNED = re.compile(r"^(\s*\w[\w, ]*=\s*)[!%].*$")
_TIMED = re.compile(r"^(\s*)%time\s+(\S.*)$")
_PROMPT = re.compile(r"^(?:>>> ?|\.\.\. ?|In \[\d+\]: ?)")
# At the margin none of these goes on with what stands in brackets above it.
_NEW = re.compile(r"(?:def|class|import|from|async)\s|@\w|[!%]\w")
_TOKEN = re.compile(r"""\\.|\"\"\"|'''|["'#()\[\]{}]""")


def without_magics(source: str) -> str:
    """Replaces the lines that only IPython understands; the others keep their numbers."""
    first = source.lstrip().partition("\n")[0]
    magic = _CELL_MAGIC.match(first)
    if magic and magic[1] not in PYTHON_MAGICS:
        return ""
    lines = source.split("\n")
    if _PROMPT.match(first):
        lines = [_PROMPT.sub("", line) for line in lines]
    elif first and (indent := _indent_of_first(lines)):
        lines = [line.removeprefix(indent) for line in lines]
    return "\n".join(_replaced(lines))


def _indent_of_first(lines: list[str]) -> str:
    first = next(line for line in lines if line.strip())
    return first[: len(first) - len(first.lstrip())]


def _replaced(lines: list[str]) -> Iterator[str]:
    scanner, goes_on = _Scanner(), False
    for line in lines:
        if goes_on:  # a shell command over several lines
            goes_on = line.endswith("\\")
            yield ""
            continue
        if scanner.at_start(line):
            magic = _MAGIC.match(line)
            if magic:
                goes_on = line.endswith("\\")
                yield _timed(line) or f"{magic[1]}pass"
                continue
            line = _MAGIC_ASSIGNED.sub(r"\1None", line)
        scanner.read(line)
        yield line


def _timed(line: str) -> str:
    """The statement behind ``%time``, which runs it."""
    found = _TIMED.match(line)
    if found:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            ast.parse(found[2])
            return f"{found[1]}{found[2]}"
    return ""


class _Scanner:
    """Knows, line by line, whether a statement begins: not within brackets or strings."""

    def __init__(self) -> None:
        self._quote, self._depth, self._continued = "", 0, False

    def at_start(self, line: str) -> bool:
        """Whether a line begins a statement."""
        if self._depth and not self._quote and _NEW.match(line):
            self._depth, self._continued = 0, False
        return not (self._quote or self._depth or self._continued)

    def read(self, line: str) -> None:
        """Goes on over a line."""
        comment = False
        for token in _TOKEN.findall(line):
            if self._quote:
                if token == self._quote or (len(self._quote) == 1 and token == 3 * self._quote):
                    self._quote = ""
            elif token == "#":
                comment = True
                break
            elif token[0] in "\"'":
                self._quote = token
            elif token in "([{":
                self._depth += 1
            elif token in ")]}":
                self._depth = max(0, self._depth - 1)
        self._continued = not comment and line.endswith("\\")
        if len(self._quote) == 1 and not self._continued:
            self._quote = ""
