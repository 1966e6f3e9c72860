"""What a statement would do when it runs: work that no definition needs, or nothing at all."""

import ast
from collections.abc import Iterator

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


def is_heavy(node: ast.AST) -> bool:
    """Whether a statement does more than define: it trains, loops, raises, or is for scripts."""
    if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
        return True
    return any(
        isinstance(part, ast.For | ast.While | ast.AsyncFor | ast.Raise)
        or (isinstance(part, ast.Call) and _called(part) in _HEAVY)
        for part in _outside_functions(node)
    )


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _outside_functions(child)


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
