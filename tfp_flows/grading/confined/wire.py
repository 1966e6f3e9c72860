"""Messages between the grader and a confined process: one JSON object and plain arrays.

A message is a fixed header (magic, length of the JSON, length of the arrays), the JSON, and the
bytes of the arrays one after the other. Nothing in it can be executed: no pickles, no object
arrays. The reader trusts no length, no type, no shape and no depth: `Channel.receive` gives a
message within its bounds, or raises `WireError`, whatever the bytes are.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

# The bounds of a value in a message: members of a sequence, sequences in sequences, axes, and
# numbers in all arrays of an answer. What is compared may be turned to double precision, some
# arrays of it at once, so the numbers are counted, not their bytes.
LONGEST_SEQUENCE, DEEPEST_SEQUENCE, MOST_AXES = 16, 3, 8
MOST_NUMBERS = 1 << 21

_HEADER = struct.Struct(">4sIQ")
_MAGIC = b"tff1"
# The only types of arrays, by the texts that stand for them.
_TYPES = {
    text: np.dtype(text)
    for text in (
        "|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8",
        "<c8", "<c16",
    )
}  # fmt: skip
_WIDEST = {"f": np.dtype("<f8"), "c": np.dtype("<c16")}
_MOST_ARRAYS = 2 * LONGEST_SEQUENCE**DEEPEST_SEQUENCE
_MOST_NESTED = 24  # of lists and objects; a value takes six, and two for each sequence
_MOST_DIGITS = 20
_CHUNK, _SMALL_PIECE, _PAUSE = 1 << 20, 1 << 10, 1e-3


class WireError(Exception):
    """The other side said something that is no message."""


class Closed(WireError):
    """The other side is gone."""


class TimedOut(WireError):
    """No whole message came in time."""


class Channel:
    """One end of a connection.

    Args:
        connection: A stream socket.
        max_json: Most bytes of the JSON of a message.
        max_arrays: Most bytes of all arrays of a message.
        max_numbers: Most numbers in them; as many as bytes by default.
    """

    def __init__(
        self,
        connection: socket.socket,
        *,
        max_json: int = 1 << 22,
        max_arrays: int = 1 << 28,
        max_numbers: int | None = None,
    ):
        self._connection = connection
        self._max_json, self._max_arrays = max_json, max_arrays
        self._max_numbers = max_arrays if max_numbers is None else max_numbers

    def send(
        self,
        message: dict[str, Any],
        arrays: Sequence[np.ndarray] = (),
        *,
        deadline: float | None = None,
    ) -> None:
        """Sends a message.

        Raises:
            Closed: The other side is gone.
            TimedOut: It did not take the message before ``deadline`` (of ``time.monotonic``).
            TypeError: An array has a type that messages do not know.
        """
        arrays = [sendable(array) for array in arrays]
        layout = [[array.dtype.str, list(array.shape)] for array in arrays]
        text = json.dumps({"message": message, "arrays": layout}).encode()
        length = sum(array.nbytes for array in arrays)
        try:
            self._set_timeout(deadline)
            self._connection.sendall(_HEADER.pack(_MAGIC, len(text), length) + text)
            for array in arrays:  # not in one piece, which would be a copy of all of them
                self._set_timeout(deadline)
                self._connection.sendall(array.tobytes())
        except TimeoutError:
            raise TimedOut from None
        except OSError:
            raise Closed from None

    def receive(
        self, deadline: float | None = None, *, max_json: int | None = None
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Waits for a message.

        Args:
            deadline: Time of ``time.monotonic`` until which to wait; None waits forever.
            max_json: Most bytes of its JSON, instead of those of the channel.

        Raises:
            Closed: The other side is gone.
            TimedOut: The deadline has passed.
            WireError: What came is no message, or too long.
        """
        magic, text_length, body_length = _HEADER.unpack(self._read(_HEADER.size, deadline))
        longest = self._max_json if max_json is None else max_json
        if magic != _MAGIC or text_length > longest or body_length > self._max_arrays:
            raise WireError("not a message")
        text = self._read(text_length, deadline)
        body = self._read(body_length, deadline)
        try:
            return _unpack(text, body, self._max_numbers)
        except MemoryError:  # within these bounds, no fault of the bytes
            raise
        except Exception as error:  # whatever else it is: nothing but these bytes went in
            raise WireError("not a message") from error

    def _read(self, length: int, deadline: float | None) -> memoryview:
        """Exactly so many bytes; an unfinished message takes no more room than a finished one."""
        view, have = memoryview(bytearray(length)), 0
        while have < length:
            self._set_timeout(deadline)
            try:
                size = self._connection.recv_into(view[have:], min(length - have, _CHUNK))
            except TimeoutError:
                raise TimedOut from None
            except OSError:
                raise Closed from None
            if not size:
                raise Closed
            have += size
            if size < _SMALL_PIECE and have < length:
                time.sleep(_PAUSE)  # else one who sends byte by byte would keep the reader busy
        return view.toreadonly()

    def _set_timeout(self, deadline: float | None) -> None:
        if deadline is None:
            self._connection.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut
        self._connection.settimeout(left)

    def close(self) -> None:
        """Closes this end."""
        self._connection.close()


def sendable(array: Any) -> np.ndarray:
    """An array in the type of messages that holds its numbers, or comes closest.

    Raises:
        TypeError: There is none.
    """
    array = np.asarray(array)
    dtype = array.dtype.newbyteorder("<")
    if dtype.str not in _TYPES:
        dtype = _WIDEST.get(dtype.kind)
    if dtype is None:
        raise TypeError(f"messages hold no arrays of {array.dtype}")
    return array.astype(dtype, copy=False)


def _unpack(
    text: memoryview, body: memoryview, max_numbers: int
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Makes a message of its bytes; what it raises says that they are none."""
    content = json.loads(str(text, "utf-8"), parse_int=_whole_number)
    _check_depth(content)
    message, layout = content["message"], content["arrays"]
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message, list(_arrays(layout, body, max_numbers))


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _check_depth(content: Any) -> None:
    """Refuses what is nested so deep that a recursive reader would come to no end."""
    level = [content]
    for _ in range(_MOST_NESTED):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [member for part in parts for member in part if isinstance(member, dict | list)]
        if not level:
            return
    raise ValueError("too deep")


def _arrays(layout: Any, body: memoryview, max_numbers: int) -> Iterator[np.ndarray]:
    if not isinstance(layout, list) or len(layout) > _MOST_ARRAYS:
        raise ValueError("not a list of arrays")
    start, left = 0, max_numbers
    for text, shape in layout:
        dtype = _TYPES[text]
        if not isinstance(shape, list) or len(shape) > MOST_AXES:
            raise ValueError("not a shape")
        if any(type(n) is not int or n < 0 for n in shape):
            raise ValueError("not a shape")
        # Without numbers an array could have axes of any length, and sums over them.
        left -= math.prod(max(1, n) for n in shape)
        if left < 0:
            raise ValueError("too many numbers")
        end = start + math.prod(shape) * dtype.itemsize
        if end > len(body):
            raise ValueError("too short")
        yield np.frombuffer(body[start:end], dtype).reshape(shape)
        start = end
    if start != len(body):
        raise ValueError("too long")
