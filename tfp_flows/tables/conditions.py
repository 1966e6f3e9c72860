"""What is given, from text or Python: names of columns with values of their types."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.classes import Categorical, Ordinal
from tfp_flows.tables.columns import Column, Constant, as_python
from tfp_flows.tables.schema import Schema

_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")


def parse_given(schema: Schema, text: str) -> dict[str, Any]:
    """Reads ``species=Gentoo,year=2008``.

    Names and values that hold commas or equals signs stand in quotes, single or double.

    Args:
        schema: Of the columns.
        text: The conditions.

    Returns:
        Values by column, of the columns' types.

    Raises:
        InputError: If a column is unknown, named twice, or a value is none of its column.
    """
    given: dict[str, Any] = {}
    for part in _split(text, ","):
        name, *rest = _split(part, "=")
        if not rest:
            raise InputError(f"{part.strip()!r} is no condition; write COLUMN=VALUE,COLUMN=VALUE.")
        column = schema.column(unquoted(name))
        if column.name in given:
            raise InputError(f"Column {column.name!r} is given twice in {text!r}; give it once.")
        value = typed(column, unquoted("=".join(rest)))
        checked_given(schema, {column.name: value})
        given[column.name] = value
    return given


def checked_given(schema: Schema, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is given, without gaps and without constants that are as they always are.

    Raises:
        InputError: If a column is unknown or cannot be given.
    """
    import pandas as pd

    known = {}
    for name, value in (given or {}).items():
        column = schema.column(name)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            continue
        frame = pd.DataFrame({name: [value]})
        if any(len(bad) for _, bad in schema.impossible(frame)):
            raise _no_value(column, value)
        if column.modelled:
            known[name] = value
        elif column.type != "constant":
            raise InputError(f"Column {name!r} cannot be given: {column.reason or column.type}.")
    return known


def typed(column: Column, text: str) -> Any:
    """The value of a column that a text stands for.

    Raises:
        InputError: If there is none; the nearest is named.
    """
    if isinstance(column, Categorical | Constant):
        for same in (str, _plain):
            for value in column.values if isinstance(column, Categorical) else [column.value]:
                if same(value) == same(text):
                    return value
        raise _no_value(column, text)
    if not column.modelled:
        return text
    number: Any = text
    if column.type not in ("date", "time"):
        try:
            number = float(text)
        except ValueError:
            raise _no_value(column, text) from None
    if not np.isfinite(column.numeric(np.array([number]))).all():
        raise _no_value(column, text)
    return int(number) if column.type == "integer" and number == int(number) else number


def ranks(column: Categorical) -> np.ndarray:
    """What the classes ``[n]`` of a column are compared by: themselves, or their places."""
    if _are_numbers(column):
        return np.asarray(column.values, np.float64)
    return np.arange(len(column.values), dtype=np.float64)


def order_of(column: Column, values: Any) -> np.ndarray:
    """Values as the numbers ``[n]`` by which they are compared; of dates, seconds.

    Raises:
        InputError: If the column has no order, or a value is none of it.
    """
    values = list(values)
    if isinstance(column, Categorical) and not isinstance(column, Ordinal):
        raise InputError(
            f"Column {column.name!r} is {column.describe()}, which has no order; ask for the "
            "probabilities of its values, or compare it by ==."
        )
    try:
        if isinstance(column, Ordinal) and not _are_numbers(column):
            x = np.array([float(column.values.index(value)) for value in values])
        elif isinstance(column, Ordinal):
            x = np.asarray(values, np.float64)
        else:
            x = np.asarray(column.numeric(np.asarray(values)), np.float64)
    except (TypeError, ValueError):
        x = np.full(len(values), np.nan)
    for value in np.asarray(values, object)[np.isnan(x)]:
        raise _no_value(column, value)
    return x


def unquoted(text: str) -> str:
    """A text without the quotes around it, or the blanks."""
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\"`"
    return text[1:-1] if quoted else text


def _are_numbers(column: Categorical) -> bool:
    return all(isinstance(value, int | float) for value in column.values)


def _plain(value: Any) -> Any:
    """A value as a careless writer has it: 1.0 is 1, True is true."""
    try:
        return float(value) if not isinstance(value, bool) else str(value).lower()
    except ValueError:
        return str(value).strip().lower()


def _split(text: str, mark: str) -> Iterator[str]:
    """Parts of a text between marks that are not in quotes."""
    hidden = _QUOTED.sub(lambda found: "\0" * len(found.group()), text)
    start = 0
    for found in re.finditer(re.escape(mark), hidden):
        yield text[start : found.start()]
        start = found.end()
    yield text[start:]


def _no_value(column: Column, value: Any) -> InputError:
    return InputError(
        f"{as_python(value)!r} is no value of column {column.name!r}, which is {column.describe()}"
        f"{column.suggestion([value])}."
    )
