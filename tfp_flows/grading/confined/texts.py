"""The texts of statements, with the lines that they have in the file."""

import ast
import contextlib
from collections.abc import Iterable, Sequence

# Before a statement from within another one; it stands on a line of its own.
OPENING = "if True:\n"


def first_line(node: ast.stmt) -> int:
    """Line on which a statement begins, with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def is_within(node: ast.stmt, lines: Sequence[str]) -> bool:
    """Whether a statement is indented, so that its text needs another one around it."""
    return lines[first_line(node) - 1][:1] in (" ", "\t")


def text_of(node: ast.stmt, lines: Sequence[str]) -> str:
    """The source of a statement, as it stands in the file if it can be had so."""
    text = "\n".join(lines[first_line(node) - 1 : node.end_lineno])
    within = is_within(node, lines)
    text = OPENING + text if within else text
    with contextlib.suppress(SyntaxError):
        body = ast.parse(text).body
        if within and len(body) == 1 and isinstance(body[0], ast.If):
            body = body[0].body
        if len(body) == 1 and ast.dump(body[0]) == ast.dump(node):
            return text
    return ast.unparse(node)  # it shares a line with another one


def without(
    node: ast.stmt, lines: Iterable[str], left_out: Sequence[ast.stmt]
) -> tuple[ast.stmt, list[str]]:
    """A compound statement and its file without some parts; the others keep their lines."""
    lines = list(lines)
    for part in left_out:
        first, last = part.lineno - 1, part.end_lineno or part.lineno
        indent = lines[first][: part.col_offset]
        lines[first:last] = [f"{indent}pass", *[""] * (last - first - 1)]
    return _Without(left_out).visit(node), lines


class _Without(ast.NodeTransformer):
    def __init__(self, left_out: Sequence[ast.stmt]):
        self._left_out = {id(part) for part in left_out}

    def visit(self, node: ast.AST) -> ast.AST:
        if id(node) in self._left_out:
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)
