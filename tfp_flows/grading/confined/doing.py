"""What one piece of code changes, read off its nodes."""

import ast
import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .aliases import aliases, called_name, reached, root, roots
from .bodies import is_heavy
from .scopes import COMPREHENSIONS, FUNCTIONS, local_names, shared_names

if TYPE_CHECKING:
    from .effects import Effects

_CHANGING = frozenset(
    (
        "append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault",
        "pop", "popitem", "popleft", "remove", "discard", "clear", "sort", "reverse", "rotate",
        "register", "__setitem__", "__setattr__", "__delitem__", "__delattr__", "__iadd__",
        "difference_update", "intersection_update", "symmetric_difference_update", "subtract",
        "move_to_end", "fill", "put", "itemset", "assign", "assign_add", "assign_sub",
    )
)  # fmt: skip
# These change their first argument; so does a method of a type, as in `list.append(names, x)`.
_CHANGES_FIRST = frozenset(
    (
        "setattr", "delattr", "heappush", "heapify", "heappop", "shuffle", "copyto", "setitem",
        "delitem", "put", "fill_diagonal", "next", "__setattr__", "__delattr__", "insort",
        "update_wrapper",
    )
)  # fmt: skip
_TYPES = ("dict", "list", "set", "object", "type")
_SHOWS = frozenset(
    ("summary", "print", "head", "tail", "describe", "info", "numpy", "count_params", "items")
)
# What is given to these is not called: `super(Layer, self).__init__()` changes no class.
_LOOKS = frozenset(
    (
        "super", "isinstance", "issubclass", "hasattr", "callable", "type", "id", "len", "repr",
        "str", "print", "format", "signature", "getsource", "getdoc",
    )
)  # fmt: skip
_NAMESPACES = ("globals", "locals", "vars")
_KERAS_OBJECTS = "get_custom_objects"
_LOOKED_AT = (
    ast.Attribute, ast.Subscript, ast.AugAssign, ast.Call, ast.Name, ast.Expr, ast.Return,
    ast.Yield, ast.YieldFrom, ast.ClassDef, *FUNCTIONS,
)  # fmt: skip


@dataclasses.dataclass
class Effect:
    """What running some code does.

    Attributes:
        changes: Global names whose objects it changes.
        binds: Global names that it binds though it is a function.
        arguments: Its arguments whose objects it changes.
        returns: Global names, and its arguments behind a ":", that it returns or parts of them.
    """

    changes: set[str] = dataclasses.field(default_factory=set)
    binds: set[str] = dataclasses.field(default_factory=set)
    arguments: set[str] = dataclasses.field(default_factory=set)
    returns: set[str] = dataclasses.field(default_factory=set)

    @property
    def size(self) -> int:
        """It grows until all functions are known."""
        return sum(map(len, (self.changes, self.binds, self.arguments, self.returns)))


class Scope:
    """A statement of the top level, or a function with all that is in it.

    Args:
        effects: What is known of the file.
        node: The statement or function.
        top: Whether it is a statement of the top level.
    """

    def __init__(self, effects: "Effects", node: ast.AST, *, top: bool = False):
        self._effects = effects
        parts = list(run_at_once(node) if top else _inside(node))
        self._local = _inner_names(parts) if top else local_names(node)
        self._shared = set() if top else shared_names(node)
        self._arguments = set() if top else set(_places(node))
        self._aliases = aliases(parts, effects.returned)
        for name, value in [] if top else _defaults(node):
            self._aliases.setdefault(name, set()).update(roots(value, effects.returned))
        self._parts = [part for part in parts if isinstance(part, _LOOKED_AT)]

    def add_to(self, effect: Effect) -> None:
        """Adds what this scope does."""
        changed: set[str] = set()
        for part in self._parts:
            changed |= self._changed(part, effect)
        changed = reached(self._aliases, changed)
        for name in changed - self._local:  # a function that something else may have called
            for other in self._effects.read(name):
                effect.changes |= other.changes
        effect.arguments |= changed & self._arguments
        effect.changes |= {name for name in changed if name not in self._local}

    def _roots(self, node: ast.AST) -> set[str]:
        return roots(node, self._effects.returned)

    def _objects(self, node: ast.AST) -> set[str]:
        """The same without modules: `tf.add` changes nothing."""
        names = reached(self._aliases, self._roots(node))
        return {n for n in names if n in self._local or not self._effects.is_module(n)}

    def _changed(self, part: ast.AST, effect: Effect) -> set[str]:
        if isinstance(part, ast.Attribute | ast.Subscript):
            if isinstance(part.ctx, ast.Store | ast.Del):
                return self._stored(part, effect)
            if isinstance(part, ast.Attribute) and part.attr in _CHANGING:
                if called_name(part.value) == _KERAS_OBJECTS:
                    return {root(part)} - {""}
                return self._objects(part.value)
        elif isinstance(part, ast.AugAssign):
            return self._objects(part.target)
        elif isinstance(part, ast.Call):
            return self._called(part, effect)
        elif isinstance(part, ast.Name):
            return self._named(part, effect)
        elif isinstance(part, ast.Expr):
            return self._told(part)
        elif isinstance(part, ast.Return | ast.Yield | ast.YieldFrom):
            self._returned(part, effect)
        elif isinstance(part, (*FUNCTIONS, ast.ClassDef)):
            effect.binds |= {part.name} & self._shared
            return self._decorated(part)
        return set()

    def _stored(self, part: ast.Attribute | ast.Subscript, effect: Effect) -> set[str]:
        key = getattr(part, "slice", None)
        if _is_namespace(part.value) and isinstance(key, ast.Constant):
            effect.binds.add(str(key.value))
        if called_name(part.value) == _KERAS_OBJECTS:
            return {root(part)} - {""}
        return reached(self._aliases, self._roots(part.value))

    def _named(self, part: ast.Name, effect: Effect) -> set[str]:
        if isinstance(part.ctx, ast.Store):
            effect.binds |= {part.id} & self._shared
            return set()
        found: set[str] = set()
        if part.id not in self._local:
            for other in self._effects.read(part.id):
                effect.binds |= other.binds
                found |= other.changes
        return found

    def _told(self, part: ast.Expr) -> set[str]:
        """A call for nothing but what it does: to its object, if it is nothing known."""
        found: set[str] = set()
        for call in _thrown_away(part.value):
            if called_name(call) in _SHOWS or is_heavy(call, self._effects.own):
                continue
            if isinstance(call.func, ast.Attribute):
                found |= self._objects(call.func.value)
            elif isinstance(call.func, ast.Name) and self._effects.is_value(call.func.id):
                found |= self._objects(call.func)
        return found

    def _returned(self, part: ast.Return | ast.Yield | ast.YieldFrom, effect: Effect) -> None:
        if part.value is not None:
            for name in reached(self._aliases, self._roots(part.value)):
                if name in self._arguments:
                    effect.returns.add(f":{name}")
                elif name not in self._local:
                    effect.returns.add(name)

    def _decorated(self, part: ast.AST) -> set[str]:
        """The object of ``@registry.register("name")``."""
        found: set[str] = set()
        for decorator in part.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(function, ast.Attribute):
                found |= self._objects(function.value)
        return found

    def _called(self, call: ast.Call, effect: Effect) -> set[str]:
        name, found = called_name(call), set()
        of_type = isinstance(call.func, ast.Attribute) and root(call.func) in _TYPES
        if call.args and (name in _CHANGES_FIRST or (of_type and name in _CHANGING)):
            found |= self._roots(call.args[0])
        if name == "update" and _is_namespace(getattr(call.func, "value", None)):
            effect.binds |= {keyword.arg for keyword in call.keywords if keyword.arg}
        for node, other, first in self._effects.called(call):
            effect.binds |= other.binds
            found |= other.changes
            for argument, value in given_arguments(node, call, first):
                if argument in other.arguments or (not argument and other.arguments):
                    found |= self._objects(value)
        found |= self._handed_on(call)
        return found

    def _handed_on(self, call: ast.Call) -> set[str]:
        """What a function changes that is given to another one beside its arguments."""
        if called_name(call) in _LOOKS:
            return set()
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        names = [part.id for part in given if isinstance(part, ast.Name)]
        known = [other for name in names for other in self._effects.read(name)]
        if any(other.arguments for other in known):
            return set().union(*map(self._objects, given))
        return set()


def _thrown_away(value: ast.AST) -> Iterator[ast.Call]:
    """Calls whose results nobody takes."""
    if isinstance(value, ast.Call):
        yield value
    elif isinstance(value, COMPREHENSIONS) and not isinstance(value, ast.DictComp):
        yield from _thrown_away(value.elt)
    elif isinstance(value, ast.Tuple | ast.List):
        for part in value.elts:
            yield from _thrown_away(part)
    elif isinstance(value, ast.BoolOp):
        for part in value.values:
            yield from _thrown_away(part)
    elif isinstance(value, ast.IfExp):
        yield from _thrown_away(value.body)
        yield from _thrown_away(value.orelse)
    elif isinstance(value, ast.Await):
        yield from _thrown_away(value.value)


def _is_namespace(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Call) and called_name(node) in _NAMESPACES


def run_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that run when it does: none of functions, but all of lambdas."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, FUNCTIONS):
            arguments = part.args
            waiting += [*part.decorator_list, *arguments.defaults]
            waiting += [value for value in arguments.kw_defaults if value is not None]
        else:
            waiting += ast.iter_child_nodes(part)


def _inside(function: ast.AST) -> Iterator[ast.AST]:
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    for part in body:
        yield from ast.walk(part)


def _inner_names(parts: Iterable[ast.AST]) -> set[str]:
    """Names of comprehensions' and lambdas' own."""
    names: set[str] = set()
    for part in parts:
        if isinstance(part, COMPREHENSIONS):
            targets = [node for g in part.generators for node in ast.walk(g.target)]
            names |= {node.id for node in targets if isinstance(node, ast.Name)}
        elif isinstance(part, ast.Lambda):
            names |= set(_places(part))
    return names


def _places(function: ast.AST) -> list[str]:
    """Names of its arguments, those given by place first."""
    given = function.args
    by_place = [*given.posonlyargs, *given.args]
    rest = [given.vararg, *given.kwonlyargs, given.kwarg]
    return [argument.arg for argument in (*by_place, *rest) if argument is not None]


def _defaults(function: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    given = function.args
    places = [*given.posonlyargs, *given.args]
    rest = len(places) - len(given.defaults)
    yield from ((a.arg, value) for a, value in zip(places[rest:], given.defaults, strict=True))
    for argument, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if value is not None:
            yield argument.arg, value


def given_arguments(
    function: ast.AST, call: ast.Call, first: ast.AST | None
) -> Iterator[tuple[str, ast.AST]]:
    """The arguments of a call by name; "" where it cannot be seen which one it is."""
    values = [*([] if first is None else [first]), *call.args]
    given = function.args
    places = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    rest = given.vararg.arg if given.vararg else ""
    for number, value in enumerate(values):
        if isinstance(value, ast.Starred):
            yield "", value.value
        else:
            yield places[number] if number < len(places) else rest, value
    for keyword in call.keywords:
        yield keyword.arg or "", keyword.value
