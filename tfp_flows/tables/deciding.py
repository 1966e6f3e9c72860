"""Types of columns that a user decides, in a file or in Python."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.tables.arguments import checked_argument
from tfp_flows.tables.circles import Angle
from tfp_flows.tables.classes import Categorical, Ordinal
from tfp_flows.tables.columns import Column, Constant, LeftOut, listed
from tfp_flows.tables.integers import Integer
from tfp_flows.tables.moments import Date, Time, unit_of
from tfp_flows.tables.numbers import Bounded, Positive, Real

_CLASSES = (Constant, LeftOut, Categorical, Ordinal, Real, Positive, Bounded, Integer)
TYPES: dict[str, type[Column]] = {cls.type: cls for cls in (*_CLASSES, Angle, Date, Time)}
"""The types of columns, by name."""


def read_schema(path: Path) -> dict[str, dict[str, Any]]:
    """What a schema file decides, by column.

    Raises:
        InputError: If it is missing, no TOML, or has no tables ``[columns.NAME]``.
    """
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    try:
        text = Path(path).read_text(encoding="utf-8")
        columns = tomllib.loads(text)["columns"]
    except OSError as error:
        raise InputError(f"Cannot read the schema {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeError) as error:
        raise InputError(f"The schema {path} is not TOML: {error}.") from error
    except KeyError:
        columns = None
    if not isinstance(columns, dict) or not all(isinstance(v, dict) for v in columns.values()):
        raise InputError(
            f'The schema {path} decides nothing; write [columns.NAME] and type = "positive" or '
            "another type below it."
        )
    return columns


def decisions(given: Mapping[str, Mapping] | None) -> dict[str, Mapping]:
    """What a user has decided, by column.

    Raises:
        InputError: If it is no mapping of mappings.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(
            f'The schema is {given!r}; give types by column, as {{"age": {{"type": "positive"}}}}.'
        )
    for name, own in given.items():
        if not isinstance(own, Mapping):
            raise InputError(
                f"Column {name!r} of the schema is {own!r}; give its type and arguments, as "
                '{"type": "positive"}.'
            )
    return dict(given)


def decided(name: str, given: Mapping, inferred: Column, values: np.ndarray) -> Column:
    """The column as a user has decided it, with what the rules say of the rest."""
    own = dict(given)
    kind = own.pop("type", inferred.type)
    if not isinstance(kind, str) or kind not in TYPES:
        raise unknown_name("type of column", str(kind), TYPES)
    cls = TYPES[kind]
    allowed = [
        p for p in inspect.signature(cls).parameters if p in cls.shown or p in ("low", "high")
    ]
    for key in own:
        if key not in cls.shown:
            raise unknown_name(f"argument of the type {kind}", key, cls.shown)
        own[key] = checked_argument(name, key, own[key])
    if issubclass(cls, Date | Time) and "form" not in own and not isinstance(inferred, cls):
        raise InputError(
            f'Column {name!r} of the schema is a {kind}; give its form, as "%d.%m.%Y".'
        )
    if kind == inferred.type:
        own = {k: getattr(inferred, k) for k in allowed if k in cls.shown} | own
    if issubclass(cls, Date | Time) and not isinstance(inferred, cls) and "step" not in own:
        unit = unit_of(values, own["form"])
        own |= {key: value for key, value in unit.items() if key in cls.shown}
    if kind in ("categorical", "ordinal") and "values" not in own:
        own["values"] = listed(set(values.tolist()))
    numbers = kind in ("real", "positive", "bounded", "integer", "angle")
    if numbers and len(values) and np.asarray(values).dtype.kind not in "iufb":
        raise InputError(
            f"Column {name!r} is to be {kind}, and holds texts such as {str(values[0])!r}."
        )
    if kind == "bounded" and not {"low", "high"} <= set(own):
        raise InputError(f"Column {name!r} of the schema is bounded; give its low and high.")
    if kind == "constant" and len(set(values.tolist())) > 1:
        raise InputError(f"Column {name!r} is to be constant, and holds several values.")
    if kind == "constant":
        own.setdefault(
            "value", inferred.spec().get("value", values.tolist()[0] if len(values) else None)
        )
    try:
        return cls(name=name, gaps=inferred.gaps, reason="the schema file says so", **own)
    except TypeError as error:
        raise InputError(f"Column {name!r} of the schema: {error}.") from error
