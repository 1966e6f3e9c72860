"""Regions of a table in words: comparisons joined by `and`, read without running anything."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.tables.classes import Categorical
from tfp_flows.tables.columns import Column
from tfp_flows.tables.conditions import order_of, typed, unquoted
from tfp_flows.tables.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

_TOKENS = re.compile(
    r"""\s*(?:(?P<op><=|>=|==|!=|<|>|=)|(?P<text>'[^']*'|"[^"]*")|(?P<name>`[^`]*`)"""
    r"""|(?P<mark>[()\[\],])|(?P<word>[^\s<>=!()\[\],`'"]+))"""
)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_MOST = 10_000


class Condition(NamedTuple):
    """A comparison of a column with values.

    Attributes:
        column: The column.
        op: ``<``, ``<=``, ``>``, ``>=``, ``!=`` with one value, or ``in`` with any number.
        values: Of the column's type.
    """

    column: Column
    op: str
    values: tuple[Any, ...]

    def holds(self, frame: "pd.DataFrame") -> np.ndarray:
        """In which rows it holds, ``[rows]``.

        Raises:
            InputError: If the column has no order and is compared by one.
        """
        cells = frame[self.column.name]
        if isinstance(self.column, Categorical) and self.op in ("in", "!="):
            found = cells.isin(list(self.values)).to_numpy()
            return found if self.op == "in" else ~found
        return self.compared(order_of(self.column, cells))

    def compared(self, x: np.ndarray) -> np.ndarray:
        """For which numbers ``x`` ``[n]`` of `conditions.order_of` it holds."""
        ends = order_of(self.column, self.values)
        if self.op in ("in", "!="):
            return np.isin(x, ends) == (self.op == "in")
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
        return compare[self.op](x, ends[0])


class _Token(NamedTuple):
    kind: str
    text: str


def parse_region(schema: Schema, text: str) -> list[Condition]:
    """Reads ``30 < age <= 40 and species in (Adelie, Gentoo)``.

    Comparisons are ``<``, ``<=``, ``>``, ``>=``, ``==``, ``!=`` and ``in``, joined by ``and``.
    Values with marks in them stand in quotes, names of columns in backticks.

    Args:
        schema: Of the columns.
        text: The region.

    Raises:
        InputError: If it is anything else, a column is unknown, or a value is none of its column.
    """
    tokens = _tokens(text)
    clauses: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "and":
            clauses.append([])
        else:
            clauses[-1].append(token)
    return [condition for clause in clauses for condition in _conditions(schema, clause, text)]


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place, stripped = 0, text.strip()[:_MOST]
    while place < len(stripped):
        found = _TOKENS.match(stripped, place)
        if found is None:
            raise _unreadable(text, stripped[place:].strip()[:20])
        place, kind, word = found.end(), found.lastgroup, found.group(found.lastgroup)
        if kind == "word" and word.lower() in ("or", "not"):
            raise _unreadable(text, word)
        if kind == "word" and word.lower() in ("and", "in"):
            kind = word.lower()
        elif kind == "word" and tokens and tokens[-1].kind == "word":
            word = f"{tokens.pop().text} {word}"
        tokens.append(_Token(kind, word))
    return tokens


def _conditions(schema: Schema, clause: Sequence[_Token], text: str) -> list[Condition]:
    kinds = [_shape(token) for token in clause]
    names = {column.name: column for column in schema.columns}
    if kinds[:3] == ["operand", "in", "mark"] and kinds[-1] == "mark":
        column = _column(names, clause[0])
        inner = [t for t in clause[3:-1] if t.text != "," or t.kind != "mark"]
        if not inner or any(_shape(t) != "operand" for t in inner):
            raise _unreadable(text, clause[2].text)
        return [Condition(column, "in", tuple(_value(column, t) for t in inner))]
    if kinds == ["operand", "op", "operand"]:
        first, op, second = clause
        if _is_column(names, first) or not _is_column(names, second):
            return [_comparison(_column(names, first), op.text, second)]
        return [_comparison(_column(names, second), _mirrored(op.text), first)]
    if kinds == ["operand", "op", "operand", "op", "operand"]:
        column = _column(names, clause[2])
        first = _comparison(column, _mirrored(clause[1].text), clause[0])
        return [first, _comparison(column, clause[3].text, clause[4])]
    raise _unreadable(text, " ".join(token.text for token in clause))


def _shape(token: _Token) -> str:
    return "operand" if token.kind in ("word", "text", "name") else token.kind


def _is_column(names: Mapping[str, Column], token: _Token) -> bool:
    return token.kind == "name" or (token.kind == "word" and token.text in names)


def _column(names: Mapping[str, Column], token: _Token) -> Column:
    name = unquoted(token.text)
    if name not in names:
        raise unknown_name("column", name, names)
    return names[name]


def _mirrored(op: str) -> str:
    return _MIRRORED["==" if op == "=" else op]


def _comparison(column: Column, op: str, token: _Token) -> Condition:
    value = _value(column, token)
    condition = Condition(column, "in" if op in ("=", "==") else op, (value,))
    if op not in ("=", "==", "!="):
        order_of(column, condition.values)
    return condition


def _value(column: Column, token: _Token) -> Any:
    return typed(column, unquoted(token.text))


def _unreadable(text: str, near: str) -> InputError:
    return InputError(
        f"Cannot read {text!r} near {near!r}; write comparisons of a column with values, joined by "
        "and, such as: age > 30 and species == 'Adelie'."
    )
