"""Code to its top-level statements: what each one binds, and which names it needs."""

import ast
import contextlib
import re
import symtable
from collections.abc import Iterator
from typing import NamedTuple

from .bodies import is_heavy, is_stub
from .notebook import Cell, without_magics

_MOST_REPAIRS = 200
_LONGEST_SOURCE = 4 << 20


class Statement(NamedTuple):
    """One statement of the top level.

    Attributes:
        kind: "import", "definition" or "assignment".
        binds: Names that it binds or changes; of a star import none.
        needs: Global names that it, or a function in it, reads.
        changes: Whether it reads, as it runs, a name that it binds: what came before counts too.
        source: Its text.
        place: Where it is, for messages; "" in a script.
        line: Line on which it starts, from 1.
        stub: Whether it is a function, or a class whose initialiser is, with nothing in it yet.
    """

    kind: str
    binds: list[str]
    needs: list[str]
    changes: bool
    source: str
    place: str
    line: int
    stub: bool


class Broken(NamedTuple):
    """A piece of code that is not Python."""

    place: str
    line: int
    message: str
    text: str


def read_statements(cells: list[Cell]) -> tuple[list[Statement], list[Broken]]:
    """Takes the imports, definitions and cheap assignments of all cells, in order.

    A syntax error loses the statement that it is in, and no other.
    """
    statements, broken = [], []
    for cell in cells:
        if len(cell.source) > _LONGEST_SOURCE:
            broken.append(Broken(cell.place, 1, "the cell is too long to be code", ""))
            continue
        tree, source, errors = _parse(cell)
        broken += errors
        for node in tree.body if tree else ():
            statements += _statements(node, source, cell.place)
    return statements, broken


def _parse(cell: Cell) -> tuple[ast.Module | None, str, list[Broken]]:
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
            return None, source, [*broken, Broken(cell.place, 1, "the code is too nested", "")]
        source, text = _without_piece(source, line)
        if not text.strip():
            break
        broken.append(Broken(cell.place, line, message, text[:2000]))
    return None, source, broken


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


def _without_piece(source: str, line: int) -> tuple[str, str]:
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
    return "\n".join(lines), text


def _statements(node: ast.stmt, source: str, place: str) -> Iterator[Statement]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            single = type(node)(**{**vars(node), "names": [alias]})
            bound = alias.asname or alias.name.partition(".")[0]
            binds = [] if alias.name == "*" else [bound]
            text = ast.unparse(single)
            yield Statement("import", binds, [], False, text, place, node.lineno, False)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        kind, binds = "definition", [node.name]
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Try | ast.If | ast.With):
        kind, binds = "assignment", sorted(set(_bound(node)))
        if not binds or is_heavy(node):
            return
    else:
        return
    try:
        text = _text(node, source)
        needs = _globals_of(text)
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return
    changes = bool(set(binds) & _read_at_once(node))
    yield Statement(kind, binds, needs, changes, text, place, _first_line(node), is_stub(node))


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _text(node: ast.stmt, source: str) -> str:
    first = _first_line(node)
    text = "\n".join(source.split("\n")[first - 1 : node.end_lineno])
    with contextlib.suppress(SyntaxError):
        if len(ast.parse(text).body) == 1:
            return text
    return ast.unparse(node)  # it shares a line with another one


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that a statement binds at the level where it stands."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.Attribute | ast.Subscript):
        # `AffineCouplingLayer._get_mask = f` changes what the name stands for.
        if isinstance(node.ctx, ast.Store):
            root = node
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            yield node.id
    elif not isinstance(node, ast.Lambda | ast.GeneratorExp | ast.ListComp):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _read_at_once(node: ast.stmt) -> set[str]:
    """Names that a statement reads when it runs, not when a function in it is called."""
    parts: list[ast.AST] = [node]
    if isinstance(node, ast.ClassDef):
        parts = [*node.decorator_list, *node.bases]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts = [*node.decorator_list, *node.args.defaults]
    names = [name for part in parts for name in ast.walk(part) if isinstance(name, ast.Name)]
    if isinstance(node, ast.AugAssign):
        return {name.id for name in names}
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}


def _globals_of(source: str) -> list[str]:
    names: set[str] = set()

    def collect(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                names.add(symbol.get_name())
        for child in table.get_children():
            collect(child, False)

    collect(symtable.symtable(source, "submission", "exec"), True)
    return sorted(names)
