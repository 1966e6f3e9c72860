"""Runs chosen statements of a submission, and nothing else of it."""

import __future__

import ast
import importlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from .stage import Nothing

_OLD_KERAS = "tensorflow.python.keras"
# Modules of Keras as it was until 2021: what they held is now one floor higher.
_OLD_MODULE = re.compile(
    r"((?:tensorflow\.)?keras)\.(?:(layers)\.(?:advanced_activations|convolutional|core|embeddings"
    r"|merge|merging|noise|normalization|normalization_v2|pooling|recurrent|wrappers)\b"
    r"|engine(?:\.(\w+))?).*$"
)
_OF_ENGINE = {"training": "models", "functional": "models", "network": "models"}
_DRAWS = re.compile(r"\bmatplotlib\b|\bpylab\b")
_LAZY = __future__.annotations.compiler_flag
_MAKER = "__tfp_flows_missing__"
_MISSING = (
    f"except ImportError as error:\n    {{name}} = {_MAKER}({{text!r}}, {{text!r}} + str(error))"
)


class MissingPackage:
    """Stands for what could not be imported; it complains when it is used, not before."""

    def __init__(self, message: str):
        object.__setattr__(self, "_message", message)

    def _complain(self, *_: object, **__: object) -> Any:
        raise ImportError(object.__getattribute__(self, "_message"))

    __call__ = __getattr__ = __getitem__ = __iter__ = _complain


class _CurrentImports(ast.NodeTransformer):
    """Points imports of Keras at the Keras of this process, and has the others fail when used.

    The latter for those within a function or block; one in a ``try`` fails as in Python.
    """

    def __init__(self, keras: str):
        self._keras = keras
        self._tried = False

    def visit_alone(self, node: ast.stmt) -> None:
        """Changes an import of the top level, of whose failure the caller takes care."""
        self._tried = True
        self.visit(node)

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        for alias in node.names:
            current = self._current(alias.name)
            if current != alias.name:
                if alias.asname is None and current.partition(".")[0] != alias.name:
                    # `import keras.layers` binds `keras`, whole.
                    alias.asname = alias.name.partition(".")[0]
                    current = current.partition(".")[0]
                alias.name = current
        return self._forgiving(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        if node.module and not node.level:
            node.module = self._current(node.module)
        return self._forgiving(node)

    def visit_Try(self, node: ast.Try) -> ast.Try:
        tried, self._tried = self._tried, True
        node.body = [self.visit(part) for part in node.body]
        self._tried = tried
        for name in ("handlers", "orelse", "finalbody"):
            setattr(node, name, [self.visit(part) for part in getattr(node, name)])
        return node

    visit_TryStar = visit_Try

    def _forgiving(self, node: ast.Import | ast.ImportFrom) -> ast.stmt:
        if self._tried or any(alias.name == "*" for alias in node.names):
            return node
        lines = []
        for alias in node.names:
            single = type(node)(**{**vars(node), "names": [alias]})
            name = alias.asname or alias.name.partition(".")[0]
            text = _MISSING.format(name=name, text=f"{ast.unparse(single)} failed: ")
            lines += ["try:", f"    {ast.unparse(single)}", text]
        block = ast.parse("if True:\n" + textwrap.indent("\n".join(lines), "    ")).body[0]
        for part in ast.walk(block):
            ast.copy_location(part, node)
        return block

    def _current(self, name: str) -> str:
        if name == _OLD_KERAS or name.startswith(f"{_OLD_KERAS}."):
            name = f"tensorflow.keras{name[len(_OLD_KERAS) :]}"
        found = _OLD_MODULE.match(name)
        name = f"{found[1]}.{found[2] or _OF_ENGINE.get(found[3], 'layers')}" if found else name
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
            found[name] = _missing(module, str(error))
    return found


def _missing(what: str, message: str) -> Any:
    """Stands for what could not be imported: what draws does nothing, other things complain."""
    return Nothing() if _DRAWS.search(what) else MissingPackage(message)


def run_statements(
    statements: Sequence[Mapping[str, Any]], namespace: dict[str, Any], keras: str
) -> list[tuple[Mapping[str, Any], BaseException]]:
    """Runs statements in order; one that lacks a name waits for those after it.

    Args:
        statements: ``source``, ``place``, ``line``, ``kind``, ``binds``, ``changes`` and ``lazy``
            of each.
        namespace: Where they run.
        keras: "tf_keras" or "keras", whichever ``tf.keras`` is.

    Returns:
        Those that failed, with their errors, but for those whose names others bind after them.
    """
    namespace[_MAKER] = _missing
    waiting = list(enumerate(statements))
    failed: dict[int, BaseException] = {}
    bound: dict[str, int] = {}  # by which statement
    while waiting:
        later = []
        for number, statement in waiting:
            if _is_outdone(statement, number, bound):
                continue
            try:
                _run(statement, namespace, keras)
            except NameError as error:
                later.append((number, statement))
                failed[number] = error
            except BaseException as error:
                _fail(statement, error, namespace)
                failed[number] = error
            else:
                failed.pop(number, None)
                bound |= dict.fromkeys(set(statement["binds"]) - set(statement["changes"]), number)
        if len(later) == len(waiting):
            break
        waiting = later
    return [
        (statements[number], error)
        for number, error in sorted(failed.items())
        if statements[number]["kind"] != "deletion"
        and not _is_outdone(statements[number], number, bound)
    ]


def _is_outdone(statement: Mapping[str, Any], number: int, bound: Mapping[str, int]) -> bool:
    """Whether all that a statement binds has been bound by later ones."""
    names = statement["binds"]
    return bool(names) and all(bound.get(name, -1) > number for name in names)


def _run(statement: Mapping[str, Any], namespace: dict[str, Any], keras: str) -> None:
    tree = ast.parse(statement["source"])
    if statement["kind"] == "import":
        _CurrentImports(keras).visit_alone(tree.body[0])
    else:
        tree = _CurrentImports(keras).visit(tree)
    ast.increment_lineno(tree, statement["line"] - 1)
    ast.fix_missing_locations(tree)
    name = statement["place"] or "submission"
    if not statement["lazy"]:
        try:
            exec(compile(tree, name, "exec", dont_inherit=True), namespace)
            return
        except Exception:
            if not any(map(_is_annotated, ast.walk(tree))):
                raise
        # Whatever is wrong with an annotation changes nothing of what is computed.
    exec(compile(tree, name, "exec", _LAZY, dont_inherit=True), namespace)


def _is_annotated(node: ast.AST) -> bool:
    return isinstance(node, ast.AnnAssign) or bool(
        getattr(node, "annotation", None) or getattr(node, "returns", None)
    )


def _fail(statement: Mapping[str, Any], error: BaseException, namespace: dict[str, Any]) -> None:
    if statement["kind"] == "import" and isinstance(error, Exception):
        message = f"{statement['source']} failed: {error}"
        for name in statement["binds"]:
            namespace[name] = _missing(statement["source"], message)
