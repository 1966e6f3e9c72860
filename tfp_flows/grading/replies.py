"""Reads what a confined process says, which may be anything: here, and nowhere else.

A check gets its values through these classes, so that nonsense from a submission ends in
`Malformed`, and any other error of a check is the check's own fault. What they give is bounded in
size; a check computes with it only after it has seen that the shape is the expected one.
"""

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfp_flows.grading.confined.wire import (
    DEEPEST_SEQUENCE,
    LONGEST_SEQUENCE,
    MOST_AXES,
    MOST_NUMBERS,
)

_LARGEST_NUMBER = 1 << 31
_MOST_MEMBERS = 1000
_DTYPES = frozenset(
    (
        "bool", "bfloat16", "float16", "float32", "float64", "float128", "complex64", "complex128",
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    )
)  # fmt: skip
# Names of classes that a report may always show; others could be made of what must not leave.
_KNOWN_CLASSES = frozenset(
    (
        "EagerTensor", "Tensor", "SymbolicTensor", "KerasTensor", "ResourceVariable", "Variable",
        "ndarray", "list", "tuple", "dict", "set", "str", "bytes", "int", "float", "bool",
        "complex", "NoneType", "function", "method", "generator", "type", "Functional",
        "Sequential", "Chain", "Invert", "Identity",
    )
)  # fmt: skip


class Malformed(Exception):
    """A reply is not as its probe makes it: the submission has meddled with its own process."""


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Makes `Malformed` of whatever comes up while an entry is read."""
    try:
        yield
    except (Malformed, MemoryError):
        raise
    except Exception as error:
        raise Malformed from error


@dataclasses.dataclass(frozen=True)
class Value:
    """What a submission returned.

    Attributes:
        kind: "array", "none", "text", "sequence" or "other".
        type: Name of its class there.
        array: Its numbers, of an array.
        dtype: Their type there.
        items: Its members, of a sequence.
    """

    kind: str
    type: str
    array: np.ndarray | None = None
    dtype: str = ""
    items: tuple["Value", ...] = ()

    @property
    def words(self) -> str:
        """What it is, for a message."""
        if self.kind == "array":
            return f"an array of shape {self.array.shape}"
        if self.kind == "none":
            return "nothing (None)"
        if self.kind == "sequence":
            return f"a {self.type} of {len(self.items)}"
        return f"an object of the class {self.type}"


class Reply:
    """The result of a probe, read entry by entry.

    All readers raise `Malformed` where an entry is missing or is something else.

    Args:
        content: What came.
        arrays: The arrays that came along.
        guarded: Whether the names of classes that a submission could have chosen are left out.
    """

    def __init__(self, content: Any, arrays: Sequence[np.ndarray] = (), *, guarded: bool = False):
        if not isinstance(content, Mapping):
            raise Malformed
        self._content, self._arrays, self._guarded = content, arrays, guarded

    def __contains__(self, key: str) -> bool:
        return key in self._content

    @_reading()
    def value(self, key: str) -> Value:
        """A value that the submission returned."""
        entry = self._entry(key)
        if not isinstance(entry, Mapping):
            raise Malformed
        return _value(entry, self._arrays, self._guarded)

    @_reading()
    def scalar(self, key: str) -> str | int | float | bool | None:
        """A text, a number, a truth value or None, to be compared with something."""
        entry = self._entry(key)
        if not isinstance(entry, str | int | float | bool | None):
            raise Malformed
        return entry

    def name(self, key: str) -> str:
        """The name of a class, for a message."""
        return _class_name(self.text(key), self._guarded)

    @_reading()
    def text(self, key: str) -> str:
        """A text, to be compared with something: it must not go into a message."""
        entry = self._entry(key)
        if not isinstance(entry, str):
            raise Malformed
        return entry

    @_reading()
    def flag(self, key: str) -> bool:
        """A truth value."""
        entry = self._entry(key)
        if not isinstance(entry, bool):
            raise Malformed
        return entry

    @_reading()
    def integer(self, key: str) -> int:
        """A whole number below 2^31."""
        return _integer(self._entry(key))

    @_reading()
    def sizes(self, key: str) -> list[int]:
        """A list of whole numbers that are not negative."""
        return [_size(member) for member in self._list(key)]

    def shape(self, key: str) -> tuple[int, ...]:
        """A shape of something that can be made here: axes and numbers are bounded."""
        shape = tuple(self.sizes(key))
        if len(shape) > MOST_AXES or math.prod(max(1, length) for length in shape) > MOST_NUMBERS:
            raise Malformed
        return shape

    @_reading()
    def replies(self, key: str) -> list["Reply"]:
        """A list of such replies."""
        return [Reply(member, self._arrays, guarded=self._guarded) for member in self._list(key)]

    def _list(self, key: str) -> list[Any]:
        entry = self._entry(key)
        if not isinstance(entry, list) or len(entry) > _MOST_MEMBERS:
            raise Malformed
        return entry

    def _entry(self, key: str) -> Any:
        if key not in self._content:
            raise Malformed
        return self._content[key]


def _integer(entry: Any) -> int:
    if type(entry) is not int or abs(entry) >= _LARGEST_NUMBER:
        raise Malformed
    return entry


def _size(entry: Any) -> int:
    if _integer(entry) < 0:
        raise Malformed
    return entry


def _value(
    entry: Mapping[str, Any], arrays: Sequence[np.ndarray], guarded: bool, depth: int = 0
) -> Value:
    kind, name = entry.get("kind"), _class_name(str(entry.get("type", "?")), guarded)
    if kind == "array":
        index = entry.get("index")
        if type(index) is not int or not 0 <= index < len(arrays):
            return Value("other", name)
        array = arrays[index]
        if array.dtype.kind == "c":
            return Value("other", f"{name} of complex numbers")
        dtype = entry.get("dtype")
        known = isinstance(dtype, str) and dtype in _DTYPES
        return Value("array", name, array, dtype if known else array.dtype.name)
    if kind == "sequence":
        members = entry.get("items")
        if not isinstance(members, list) or len(members) > LONGEST_SEQUENCE:
            raise Malformed
        if depth == DEEPEST_SEQUENCE or not all(isinstance(m, Mapping) for m in members):
            raise Malformed
        items = tuple(_value(member, arrays, guarded, depth + 1) for member in members)
        return Value("sequence", name, items=items)
    return Value(kind if kind in ("none", "text") else "other", name)


def _class_name(name: str, guarded: bool) -> str:
    return name[:60] if not guarded or name in _KNOWN_CLASSES else "?"
