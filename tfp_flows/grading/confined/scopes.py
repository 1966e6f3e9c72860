"""Which names a piece of code binds, and which it reads, at once or when it is called."""

import ast
import symtable
from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_TRIES = (ast.Try, getattr(ast, "TryStar", ast.Try))  # from Python 3.11 on
_AT_ONCE = ("listcomp", "setcomp", "dictcomp")


def bound(node: ast.AST) -> Iterator[str]:
    """Names that a statement binds, or may bind, at the level where it stands."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
        parts = [*node.decorator_list]
        if not isinstance(node, ast.ClassDef):
            parts += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        for part in parts:
            yield from bound(part)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            yield node.id
    elif isinstance(node, COMPREHENSIONS):
        for part in ast.walk(node):  # the targets are its own, but for those of `:=`
            if isinstance(part, ast.NamedExpr):
                yield from bound(part.target)
    elif not isinstance(node, ast.Lambda):
        if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        if isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        for child in ast.iter_child_nodes(node):
            yield from bound(child)


def surely_bound(nodes: Iterable[ast.stmt]) -> set[str]:
    """Names that some statements bind anew whichever way they go."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.If):
            names |= surely_bound(node.body) & surely_bound(node.orelse)
        elif isinstance(node, ast.With | ast.AsyncWith):
            names |= surely_bound(node.body)
        elif isinstance(node, _TRIES):
            ways = [surely_bound([*node.body, *node.orelse])]
            ways += [surely_bound(part.body) for part in node.handlers if not _raises(part.body)]
            names |= set.intersection(*ways) | surely_bound(node.finalbody)
        elif not isinstance(node, ast.For | ast.AsyncFor | ast.While | ast.Match | ast.AugAssign):
            names |= set(bound(node))
    return names


def _raises(nodes: list[ast.stmt]) -> bool:
    return bool(nodes) and isinstance(nodes[-1], ast.Raise)


def read_names(source: str) -> tuple[set[str], set[str]]:
    """Global names that code reads as it runs, and those that functions in it read later.

    Raises:
        SyntaxError: It is none that can run.
    """
    now: set[str] = set()
    later: set[str] = set()

    def collect(table: symtable.SymbolTable, top: bool, called: bool) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                (later if called else now).add(symbol.get_name())
        for child in table.get_children():
            at_once = str(child.get_type()) == "class" or child.get_name() in _AT_ONCE
            collect(child, False, called or not at_once)

    collect(symtable.symtable(source, "submission", "exec"), True, False)
    return now, later


def local_names(function: ast.AST) -> set[str]:
    """Names of a function's own: arguments, and what is bound in it or in functions in it."""
    names: set[str] = set()
    shared: set[str] = set()
    for part in ast.walk(function):
        if isinstance(part, ast.arg):
            names.add(part.arg)
        elif isinstance(part, ast.Global):
            shared.update(part.names)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, (*FUNCTIONS, ast.ClassDef)) and part is not function:
            names.add(part.name)
        elif isinstance(part, ast.Import | ast.ImportFrom):
            names.update(bound(part))
        elif isinstance(part, ast.ExceptHandler) and part.name:
            names.add(part.name)
    return names - shared


def shared_names(function: ast.AST) -> set[str]:
    """Names that a function declares global."""
    return {
        name for part in ast.walk(function) if isinstance(part, ast.Global) for name in part.names
    }
