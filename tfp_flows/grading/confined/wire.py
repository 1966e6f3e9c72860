"""Messages between the grader and a confined process: one JSON object and plain arrays.

A message is a fixed header (magic, length of the JSON, length of the arrays), the JSON, and the
bytes of the arrays one after the other. Nothing in it can be executed: no pickles, no object
arrays. The reader trusts no length, no dtype and no shape.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

_HEADER = struct.Struct(">4sIQ")
_MAGIC = b"tff1"
_KINDS = "biufc"
_MAX_RANK, _LONGEST_AXIS = 8, 1 << 28
_CHUNK = 1 << 20


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
    """

    def __init__(
        self, connection: socket.socket, *, max_json: int = 1 << 22, max_arrays: int = 1 << 28
    ):
        self._connection = connection
        self._max_json, self._max_arrays = max_json, max_arrays

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
        """
        arrays = [np.asarray(array) for array in arrays]
        layout = [[array.dtype.str, list(array.shape)] for array in arrays]
        text = json.dumps({"message": message, "arrays": layout}).encode()
        body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
        self._set_timeout(deadline)
        try:
            self._connection.sendall(_HEADER.pack(_MAGIC, len(text), len(body)) + text + body)
        except TimeoutError:
            raise TimedOut from None
        except OSError:
            raise Closed from None

    def receive(self, deadline: float | None = None) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Waits for a message.

        Args:
            deadline: Time of ``time.monotonic`` until which to wait; None waits forever.

        Raises:
            Closed: The other side is gone.
            TimedOut: The deadline has passed.
            WireError: What came is no message, or too long.
        """
        magic, text_length, body_length = _HEADER.unpack(self._read(_HEADER.size, deadline))
        if magic != _MAGIC or text_length > self._max_json or body_length > self._max_arrays:
            raise WireError("not a message")
        text = self._read(text_length, deadline)
        body = self._read(body_length, deadline)
        try:
            content = json.loads(text)
            message, layout = content["message"], content["arrays"]
            arrays = _unpack(layout, body)
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise WireError("not a message") from error
        if not isinstance(message, dict):
            raise WireError("not a message")
        return message, arrays

    def _read(self, length: int, deadline: float | None) -> bytes:
        parts, missing = [], length
        while missing:
            self._set_timeout(deadline)
            try:
                part = self._connection.recv(min(missing, _CHUNK))
            except TimeoutError:
                raise TimedOut from None
            except OSError:
                raise Closed from None
            if not part:
                raise Closed
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

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


def _unpack(layout: Any, body: bytes) -> list[np.ndarray]:
    arrays, start = [], 0
    for name, shape in layout:
        dtype = np.dtype(str(name))
        if dtype.kind not in _KINDS or len(shape) > _MAX_RANK:
            raise ValueError("not a plain array")
        if any(type(n) is not int or not 0 <= n <= _LONGEST_AXIS for n in shape):
            raise ValueError("not a shape")
        size = math.prod(shape) * dtype.itemsize
        part = body[start : start + size]
        if len(part) != size:
            raise ValueError("too short")
        arrays.append(np.frombuffer(part, dtype).reshape(shape))
        start += size
    if start != len(body):
        raise ValueError("too long")
    return arrays
