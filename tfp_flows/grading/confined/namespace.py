"""Runs chosen statements of a submission, and nothing else of it."""

import ast
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

_OLD_KERAS = "tensorflow.python.keras"


class MissingPackage:
    """Stands for what could not be imported; it complains when it is used, not before."""

    def __init__(self, message: str):
        object.__setattr__(self, "_message", message)

    def _complain(self, *_: object, **__: object) -> Any:
        raise ImportError(object.__getattribute__(self, "_message"))

    __call__ = __getattr__ = __getitem__ = __iter__ = _complain


class _CurrentImports(ast.NodeTransformer):
    """Points imports of Keras at the Keras of this process."""

    def __init__(self, keras: str):
        self._keras = keras

    def visit_Import(self, node: ast.Import) -> ast.Import:
        for alias in node.names:
            current = self._current(alias.name)
            if current != alias.name:
                if alias.asname is None and current.partition(".")[0] != alias.name:
                    # `import keras.layers` binds `keras`, whole.
                    alias.asname = alias.name.partition(".")[0]
                    current = current.partition(".")[0]
                alias.name = current
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module and not node.level:
            node.module = self._current(node.module)
        return node

    def _current(self, name: str) -> str:
        if name == _OLD_KERAS or name.startswith(f"{_OLD_KERAS}."):
            return f"tensorflow.keras{name[len(_OLD_KERAS) :]}"
        if self._keras == "tf_keras" and (name == "keras" or name.startswith("keras.")):
            return f"tf_{name}"
        return name


def at_hand(names: Mapping[str, str]) -> dict[str, Any]:
    """Objects that a submission may use without importing them.

    Args:
        names: Name to "module" or "module:attribute".
    """
    found = {}
    for name, origin in names.items():
        module, _, attribute = origin.partition(":")
        try:
            found[name] = importlib.import_module(module)
            for part in filter(None, attribute.split(".")):
                found[name] = getattr(found[name], part)
        except Exception as error:  # matplotlib needs a place to write to, for instance
            found[name] = MissingPackage(str(error))
    return found


def run_statements(
    statements: Sequence[Mapping[str, Any]], namespace: dict[str, Any], keras: str
) -> list[tuple[Mapping[str, Any], BaseException]]:
    """Runs statements in order; one that lacks a name waits for those after it.

    Args:
        statements: ``source``, ``place``, ``line``, ``kind`` and ``binds`` of each.
        namespace: Where they run.
        keras: "tf_keras" or "keras", whichever ``tf.keras`` is.

    Returns:
        Those that failed, with their errors.
    """
    waiting = list(statements)
    while waiting:
        later = []
        for statement in waiting:
            try:
                _run(statement, namespace, keras)
            except NameError as error:
                later.append((statement, error))
            except BaseException as error:
                _fail(statement, error, namespace)
                later.append((statement, error))
        retried = [statement for statement, error in later if isinstance(error, NameError)]
        if len(retried) in (0, len(waiting)):
            return later
        failed = [(item, error) for item, error in later if not isinstance(error, NameError)]
        if failed:
            return failed + run_statements(retried, namespace, keras)
        waiting = retried
    return []


def _run(statement: Mapping[str, Any], namespace: dict[str, Any], keras: str) -> None:
    tree = _CurrentImports(keras).visit(ast.parse(statement["source"]))
    ast.increment_lineno(tree, statement["line"] - 1)
    code = compile(ast.fix_missing_locations(tree), statement["place"] or "submission", "exec")
    exec(code, namespace)


def _fail(statement: Mapping[str, Any], error: BaseException, namespace: dict[str, Any]) -> None:
    if statement["kind"] == "import" and isinstance(error, Exception):
        message = f"{statement['source']} failed: {error}"
        for name in statement["binds"]:
            namespace[name] = MissingPackage(message)
