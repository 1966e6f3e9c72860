"""Which names a statement changes without binding them anew.

It is read off the code: stores to entries and attributes, methods that change their object, and
functions of the file that do so to their arguments or to global names, through other names for the
same object as well. What may change a name counts as changing it: a statement too many costs time,
one too few costs a right answer its points.
"""

import ast
from collections.abc import Iterator, Sequence

from .aliases import aliases, called_name, paired, reached, root
from .doing import Effect, Scope, given_arguments, run_at_once
from .scopes import FUNCTIONS

_MOST_ROUNDS = 30


class Effects:
    """What the statements of a file do to names of others.

    Args:
        trees: All of its top-level statements.
    """

    def __init__(self, trees: Sequence[ast.stmt]):
        self._functions: dict[str, list[ast.AST]] = {}
        self._classes: dict[str, list[ast.AST]] = {}
        self._methods: dict[str, list[ast.AST]] = {}
        self._parents: dict[str, set[str]] = {}
        self._values: dict[str, list[ast.expr | None]] = {}
        for tree in trees:
            self._collect(tree)
        self.own = frozenset(self._functions) | frozenset(self._methods)
        self._modules = self._module_like()
        functions = [node for group in (self._functions, self._methods) for node in _all(group)]
        self._effects = {id(node): Effect() for node in functions}
        scopes = [(Scope(self, node), self._effects[id(node)]) for node in functions]
        for _ in range(_MOST_ROUNDS):  # they call each other
            size = sum(effect.size for _, effect in scopes)
            for scope, effect in scopes:
                scope.add_to(effect)
            if sum(effect.size for _, effect in scopes) == size:
                break
        parts = [part for tree in trees for part in run_at_once(tree)]
        self._aliases = aliases(parts, self.returned)

    def _collect(self, tree: ast.stmt) -> None:
        for node in run_at_once(tree):
            if isinstance(node, FUNCTIONS):
                self._functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ClassDef):
                own = [part for part in node.body if isinstance(part, FUNCTIONS)]
                self._classes.setdefault(node.name, []).extend(own)
                above = [*node.bases, *(keyword.value for keyword in node.keywords)]
                self._parents.setdefault(node.name, set()).update(map(root, above))
                for part in own:
                    self._methods.setdefault(part.name, []).append(part)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assigned(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
                self._assigned(node.target, node.value)
            elif isinstance(node, ast.For | ast.withitem):
                target = node.target if isinstance(node, ast.For) else node.optional_vars
                for part in ast.walk(target) if target else ():
                    self._assigned(part, None)

    def _assigned(self, target: ast.AST, value: ast.expr | None) -> None:
        for part, one in paired(target, value):
            if isinstance(part, ast.Name):
                self._values.setdefault(part.id, []).append(one)
                if isinstance(one, ast.Lambda):
                    self._functions.setdefault(part.id, []).append(one)
            elif isinstance(part, ast.Tuple | ast.List):
                for name in part.elts:
                    self._assigned(name, None)

    def _module_like(self) -> frozenset[str]:
        """Names such as ``tfb = tfp.bijectors``: a module's, as far as one can see."""
        found: set[str] = set()
        for _ in range(3):  # one may be made of another one
            for name, values in self._values.items():
                if all(isinstance(v, ast.Attribute | ast.Name) for v in values):
                    begins = {root(value) for value in values} - {name}
                    if begins and all(b in found or not self._is_own(b) for b in begins):
                        found.add(name)
        return frozenset(found)

    def _is_own(self, name: str) -> bool:
        return name in self._values or name in self._functions or name in self._classes

    def is_module(self, name: str) -> bool:
        """Whether a name comes from elsewhere, so that its methods change nothing of the file's."""
        return name in self._modules or not self._is_own(name)

    def is_value(self, name: str) -> bool:
        """Whether a name is an object's that the file makes."""
        return name in self._values and not self.is_module(name)

    def _of_class(self, name: str) -> list[ast.AST]:
        """Methods of a class, of those above it, and of their metaclasses."""
        if name not in self._classes:
            return []
        names = reached(self._parents, {name})
        return [node for one in sorted(names) for node in self._classes.get(one, ())]

    def of_statement(self, node: ast.stmt) -> tuple[set[str], set[str]]:
        """Names that a top-level statement changes, and those that it binds through a function."""
        effect = Effect()
        Scope(self, node, top=True).add_to(effect)
        return reached(self._aliases, effect.changes), effect.binds

    def called(self, call: ast.Call) -> list[tuple[ast.AST, Effect, ast.AST | None]]:
        """Functions that a call may reach: their effects, and the object that comes first."""
        name = called_name(call)
        if isinstance(call.func, ast.Attribute):
            return [
                (node, self._effects[id(node)], None if _is_static(node) else call.func.value)
                for node in self._methods.get(name, ())
            ]
        own = [(node, self._effects[id(node)], None) for node in self._functions.get(name, ())]
        nobody = ast.Constant(None)
        made = [(node, self._effects[id(node)], nobody) for node in self._of_class(name)]
        if not own and not made and name in self._values:
            calls = self._methods.get("__call__", ())
            own = [(node, self._effects[id(node)], call.func) for node in calls]
        return own + made

    def read(self, name: str) -> list[Effect]:
        """Effects of a function or class that is named: somebody may call it."""
        nodes = [*self._functions.get(name, ()), *self._of_class(name)]
        return [self._effects[id(node)] for node in nodes]

    def returned(self, call: ast.Call) -> Iterator[ast.expr | str]:
        """What a call gives back: names, arguments, and the object that makes another one."""
        made = isinstance(call.func, ast.Attribute) and called_name(call)[:1].isupper()
        if made and not self.is_module(root(call.func)):
            yield call.func.value
        for node, effect, first in self.called(call):
            # A function within it may do later what it seems to do itself.
            yield from effect.changes
            yield from (name for name in effect.returns if not name.startswith(":"))
            for name, value in given_arguments(node, call, first):
                kept = {f":{name}" for name in effect.arguments} | effect.returns
                if f":{name}" in kept or (not name and kept):
                    yield value


def _all(groups: dict[str, list[ast.AST]]) -> Iterator[ast.AST]:
    for nodes in groups.values():
        yield from nodes


def _is_static(function: ast.AST) -> bool:
    marks = getattr(function, "decorator_list", ())
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in marks)
