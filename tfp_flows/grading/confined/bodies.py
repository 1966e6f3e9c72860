"""What a statement would do when it runs: work that no definition needs, or nothing at all."""

import ast
from collections.abc import Collection, Iterator

# A statement that calls one of these is no definition that is needed: it trains, loads, downloads
# or draws.
_HEAVY = frozenset(
    (
        "fit", "fit_generator", "evaluate", "predict", "train", "load", "loadtxt", "genfromtxt",
        "fromfile", "load_data", "load_model", "load_weights", "read_csv", "imread", "open",
        "get_file", "urlretrieve", "urlopen", "wget", "download", "system", "popen", "call",
        "run", "check_output", "mount", "input", "show", "plot", "scatter", "hist", "imshow",
        "subplots", "figure", "savefig", "plot_model", "to_file", "save", "save_weights", "sleep",
    )
)  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def is_heavy(node: ast.AST, own: Collection[str] = ()) -> bool:
    """Whether a statement, or the head of a compound one, trains, loads, downloads or draws.

    Args:
        node: The statement.
        own: Functions and methods that the submission defines itself, whatever they are called.
    """
    return any(
        isinstance(part, ast.Call) and (name := _called(part)) in _HEAVY and name not in own
        for part in _at_once(node)
    )


def heavy_parts(node: ast.stmt, own: Collection[str]) -> Iterator[ast.stmt]:
    """The statements within a compound one, at any depth, that are heavy."""
    for part in statements_in(node):
        if is_heavy(part, own):
            yield part
        else:
            yield from heavy_parts(part, own)


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements one level below a compound one; none of a function or class."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for name in _BODIES:
        for part in getattr(node, name, ()):
            if isinstance(part, ast.stmt):
                yield part
            elif isinstance(part, ast.AST):
                yield from statements_in(part)


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement but for the statements and functions in it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += [
            child
            for child in ast.iter_child_nodes(part)
            if not isinstance(child, (ast.stmt, ast.ExceptHandler, *_FUNCTIONS))
        ]


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_stub(node: ast.stmt) -> bool:
    """Whether a function, or the initialiser of a class, has nothing in it.

    Nothing is a docstring, `pass`, `...`, `return None` and `raise NotImplementedError`.
    """
    if isinstance(node, ast.ClassDef):
        named = (part for part in node.body if getattr(part, "name", "") == "__init__")
        return any(is_stub(part) for part in named)
    if not isinstance(node, ast.FunctionDef):
        return False
    return all(_is_nothing(part) for part in node.body)


def _is_nothing(part: ast.stmt) -> bool:
    if isinstance(part, ast.Expr):
        return isinstance(part.value, ast.Constant)
    if isinstance(part, ast.Return):
        return part.value is None or (
            isinstance(part.value, ast.Constant) and part.value.value in (None, ...)
        )
    if isinstance(part, ast.Raise):
        return "NotImplementedError" in ast.unparse(part)
    return isinstance(part, ast.Pass)
