"""Code to its top-level statements: what each one binds or changes, and which names it needs."""

import ast
import contextlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .aliases import called_name
from .bodies import heavy_parts, is_heavy, is_stub, statements_in
from .effects import Effects
from .ipython import PYTHON_MAGICS
from .notebook import Cell
from .parsing import LONGEST_SOURCE, Broken, parse
from .scopes import FUNCTIONS, bound, read_names, surely_bound
from .texts import OPENING, first_line, is_within, text_of, without

_HEAVY = "trains, draws, reads or downloads"
_NO_EFFECT = "changes nothing that is graded"
_TOO_NESTED = "the code is too nested"
_DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
_ERRORS = (SyntaxError, RecursionError, MemoryError, ValueError)


class Statement(NamedTuple):
    """One statement of the top level.

    Attributes:
        kind: "import", "definition", "assignment", "deletion" or "change".
        binds: Names that it binds, or may bind; "*" for a star import within a statement, of a
            star import alone none.
        changes: Names whose earlier value counts too: it changes them, or may leave them.
        reads: Global names that it reads as it runs.
        later: Global names that functions in it read when they are called.
        needs: Both.
        source: Its text, without the parts that are left out.
        place: Where it is, for messages; "" in a script.
        line: Line on which it starts, from 1.
        last: Line on which it ends.
        stub: Whether it is a function, or a class whose initialiser is, with nothing in it yet.
        lazy: Whether its annotations are not evaluated.
    """

    kind: str
    binds: list[str]
    changes: list[str]
    reads: list[str]
    later: list[str]
    needs: list[str]
    source: str
    place: str
    line: int
    last: int
    stub: bool
    lazy: bool


class Skipped(NamedTuple):
    """A piece of code that is never run.

    Attributes:
        place: Where it is; "" in a script.
        line: Line on which it starts.
        last: Line on which it ends.
        reason: Why not.
        before: How many statements stand before it.
    """

    place: str
    line: int
    last: int
    reason: str
    before: int


class _Piece(NamedTuple):
    """A statement of a file, before anything is known of the others."""

    node: ast.stmt
    lines: list[str]
    place: str
    shift: int  # lines above those of the text
    lazy: bool


def read_statements(
    cells: list[Cell],
) -> tuple[list[Statement], list[Broken], list[Skipped]]:
    """Takes what binds or changes a name from all cells, in order.

    A syntax error loses the statement that it is in, and no other.
    """
    pieces: list[_Piece] = []
    broken: list[Broken] = []
    lazy = False
    for cell in cells:
        if len(cell.source) > LONGEST_SOURCE:
            broken.append(Broken(cell.place, 1, 1, "the cell is too long to be code", []))
            continue
        tree, source, errors = parse(cell)
        broken += errors
        lines = source.split("\n")
        for node in tree.body if tree else ():
            # In force to the end of the file, as in IPython.
            lazy = lazy or _makes_lazy(node)
            pieces += _pieces(node, lines, cell.place, lazy)
    effects = Effects([piece.node for piece in pieces])
    statements: list[Statement] = []
    skipped: list[Skipped] = []
    for piece in pieces:
        try:
            found, left = _statements(piece, effects)
        except _ERRORS as error:
            broken.append(_unusable(piece, error))
            continue
        skipped += [part._replace(before=len(statements)) for part in left]
        statements += found
    return statements, broken, skipped


def _makes_lazy(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
    )


def _pieces(node: ast.stmt, lines: list[str], place: str, lazy: bool) -> Iterator[_Piece]:
    """A statement, or those in it where it is only for scripts or hides them in a text."""
    if isinstance(node, ast.If) and _is_main(node.test):
        for part in node.body:
            yield from _pieces(part, lines, place, lazy)
        return
    text = _cell_in_text(node)
    if text is not None:
        with contextlib.suppress(*_ERRORS):
            for part in ast.parse(text).body:
                yield _Piece(part, text.split("\n"), place, node.lineno - 1, lazy)
            return
    yield _Piece(node, lines, place, 0, lazy)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and any(
        isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(test)
    )


def _cell_in_text(node: ast.stmt) -> str | None:
    """What ``get_ipython().run_cell_magic("time", "", code)`` or ``exec(code)`` runs."""
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call):
        given = [part.value for part in call.args if isinstance(part, ast.Constant)]
        name = called_name(call)
        if name == "run_cell_magic" and len(given) == 3 and given[0] in PYTHON_MAGICS:
            return str(given[2])
        if name == "exec" and given[:1] and isinstance(call.args[0], ast.Constant):
            return str(given[0])
    return None


def _unusable(piece: _Piece, error: Exception) -> Broken:
    message = error.msg if isinstance(error, SyntaxError) else _TOO_NESTED
    line = first_line(piece.node) + piece.shift
    names: list[str] = []
    with contextlib.suppress(RecursionError):
        names = sorted(set(bound(piece.node)))
    return Broken(piece.place, line, (piece.node.end_lineno or line) + piece.shift, message, names)


def _statements(piece: _Piece, effects: Effects) -> tuple[list[Statement], list[Skipped]]:
    node, left = piece.node, []
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [_import(piece, node, alias) for alias in node.names], []
    if isinstance(node, ast.Delete):
        return list(_deletions(piece, node, effects)), []
    if not isinstance(node, _DEFINITIONS):
        if is_heavy(node, effects.own):
            return [], [_skipped(piece, node, _HEAVY)]
        heavy = list(heavy_parts(node, effects.own))
        left = [_skipped(piece, part, _HEAVY) for part in heavy]
        if heavy:
            node, lines = without(node, piece.lines, heavy)
            piece = piece._replace(node=node, lines=lines)
    stars = {"*"} if _has_star(node) else set()
    changes, binds = effects.of_statement(node)
    binds |= set(bound(node)) - {"*"} | stars
    if not binds and not changes:
        return [], left + ([] if _is_text(node) else [_skipped(piece, node, _NO_EFFECT)])
    reads, later = read_names(text_of(piece.node, piece.lines))
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        reads.add(node.target.id)
    kind = "definition" if isinstance(node, _DEFINITIONS) else "assignment"
    kind = kind if binds else "change"
    changes = changes | binds - surely_bound([node])
    return [_statement(piece, kind, binds, changes, reads, later)], left


def _statement(
    piece: _Piece,
    kind: str,
    binds: Iterable[str],
    changes: Iterable[str] = (),
    reads: Iterable[str] = (),
    later: Iterable[str] = (),
    source: str | None = None,
) -> Statement:
    node = piece.node
    text = text_of(piece.node, piece.lines) if source is None else source
    first = first_line(node) + piece.shift
    within = text.startswith(OPENING) and is_within(node, piece.lines)
    line = first - within  # the text has one more
    return Statement(
        kind=kind,
        binds=sorted(binds),
        changes=sorted(changes),
        reads=sorted(reads),
        later=sorted(later),
        needs=sorted({*reads, *later}),
        source=text,
        place=piece.place,
        line=line,
        last=(node.end_lineno or node.lineno) + piece.shift,
        stub=is_stub(node),
        lazy=piece.lazy,
    )


def _import(piece: _Piece, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Statement:
    single = type(node)(**{**vars(node), "names": [alias]})
    names = [] if alias.name == "*" else [alias.asname or alias.name.partition(".")[0]]
    return _statement(piece, "import", names, source=ast.unparse(single))


def _deletions(piece: _Piece, node: ast.Delete, effects: Effects) -> Iterator[Statement]:
    for target in node.targets:
        single = ast.Delete([target])
        text = ast.unparse(single)
        names = {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
        if isinstance(target, ast.Name):
            yield _statement(piece, "deletion", names, source=text)
        else:
            changes, _ = effects.of_statement(node)
            yield _statement(piece, "change", [], changes, names, source=text)


def _skipped(piece: _Piece, node: ast.stmt, reason: str) -> Skipped:
    first, last = first_line(node), node.end_lineno or node.lineno
    return Skipped(piece.place, first + piece.shift, last + piece.shift, reason, 0)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _has_star(node: ast.stmt) -> bool:
    return any(
        isinstance(part, ast.ImportFrom) and part.names[0].name == "*"
        for part in [node, *statements_in(node)]
    )
