"""Other names for the same object: whoever changes one of them changes the other."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping

from .scopes import COMPREHENSIONS

# What these return is, or holds, what they are given; so may objects, whose classes have capitals.
_PASSES_ON = frozenset(
    (
        "enumerate", "zip", "reversed", "iter", "next", "list", "tuple", "sorted", "vars", "dict",
        "getattr", "filter", "map", "chain", "get", "setdefault", "values", "items", "tqdm",
        "partial", "repeat", "cycle", "islice", "starmap", "product",
    )
)  # fmt: skip
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)

Returned = Callable[[ast.Call], Iterable[ast.expr | str]]


def called_name(call: ast.AST) -> str:
    """The last part of the name of what is called."""
    function = call.func if isinstance(call, ast.Call) else call
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def root(node: ast.AST) -> str:
    """The name that a chain of attributes, entries and calls begins with; "" for none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def roots(node: ast.AST, returned: Returned) -> set[str]:
    """Names of the objects that a value is, or is a part of, or holds.

    Args:
        node: The value.
        returned: What a call of a function of the file's own gives back: names, or values.
    """
    found: set[str] = set()
    waiting: list[ast.AST | str] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.add(part)
        elif isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute | ast.Subscript | ast.Starred | ast.Await):
            waiting.append(part.value)
        elif isinstance(part, ast.Tuple | ast.List | ast.Set):
            waiting += part.elts
        elif isinstance(part, ast.Dict):
            waiting += part.values
        elif isinstance(part, ast.IfExp):
            waiting += [part.body, part.orelse]
        elif isinstance(part, ast.BoolOp):
            waiting += part.values
        elif isinstance(part, ast.NamedExpr):
            waiting += [part.target, part.value]
        elif isinstance(part, COMPREHENSIONS):
            waiting.append(part.value if isinstance(part, ast.DictComp) else part.elt)
            waiting += [generator.iter for generator in part.generators]
        elif isinstance(part, ast.Call):
            passes_on = called_name(part) in _PASSES_ON
            if passes_on or called_name(part)[:1].isupper():
                waiting += [*part.args, *(keyword.value for keyword in part.keywords)]
            if passes_on and isinstance(part.func, ast.Attribute):
                waiting.append(part.func.value)
            waiting += returned(part)
    return found


def aliases(parts: Iterable[ast.AST], returned: Returned) -> dict[str, set[str]]:
    """For each name that some code binds, the names of what it may be, or be a part of."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for target, value in _bindings(part):
            others = roots(value, returned)
            for name in _names(target):
                found.setdefault(name, set()).update(others)
    return found


def _names(target: ast.AST) -> Iterator[str]:
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.arg):
            yield part.arg


def paired(target: ast.AST, value: ast.AST | None) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """Each target of an assignment with its value, as in ``a, b = 1, 2``; else with the whole."""
    targets = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    starred = any(isinstance(part, ast.Starred) for part in [*targets, *values])
    if targets and len(values) == len(targets) and not starred:
        for one, other in zip(targets, values, strict=True):
            yield from paired(one, other)
    else:
        yield target, value


def _bindings(part: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    if isinstance(part, ast.Assign):
        for target in part.targets:
            yield from paired(target, part.value)
        for target in part.targets:
            yield from ((target, other) for other in part.targets if other is not target)
    elif isinstance(part, ast.AnnAssign | ast.NamedExpr) and part.value is not None:
        yield part.target, part.value
    elif isinstance(part, _LOOPS):
        yield part.target, part.iter
    elif isinstance(part, ast.withitem) and part.optional_vars is not None:
        yield part.optional_vars, part.context_expr
    elif isinstance(part, ast.Call):  # `reduce(lambda d, x: d.update(x), values, table)`
        for function in part.args:
            if isinstance(function, ast.Lambda):
                yield from ((function.args, other) for other in part.args if other is not function)


def reached(links: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """The names, and all that links lead to from them."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += links.get(name, ())
    return found
