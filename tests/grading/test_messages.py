"""Messages from a confined process: within their bounds, or none."""

import contextlib
import json
import math
import socket
import struct
import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tfp_flows.grading.confined.wire import MOST_NUMBERS, Channel, WireError
from tfp_flows.grading.replies import Malformed, Reply

_ARRAYS = 1 << 16
PLAIN = settings(max_examples=60, deadline=None, derandomize=True)
TYPES = [*("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"), "<f2", "<f4", "<f8"]
TYPES += ["<c8", "<c16"]


def packed(content, body=b""):
    """The bytes of a message with any content, right or wrong."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack(">4sIQ", b"tff1", len(text), len(body)) + text + body


def send(connection, data):
    with contextlib.suppress(OSError):
        connection.sendall(data)


def _received(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=send, args=(theirs, data), daemon=True)
        sender.start()
        channel = Channel(ours, max_json=1 << 20, max_arrays=_ARRAYS, max_numbers=_ARRAYS // 4)
        return channel.receive(time.monotonic() + 60)


def _nested(depth, inner="0"):
    return (
        b'{"message": {"a": ' + (b"[" * depth + inner.encode() + b"]" * depth) + b'}, "arrays": []}'
    )


def _message(layout, body=b""):
    return packed({"message": {}, "arrays": layout}, body)


@pytest.mark.parametrize(
    "data",
    [
        _message([["(,)f4", [1]]], bytes(4)),
        _message([[["<f4"], [1]]], bytes(4)),
        _message([[None, [1]]], bytes(4)),
        _message([["O", [1]]], bytes(8)),
        _message([["<f4,<f4", [1]]], bytes(8)),
        _message([["<f4", [True]]], bytes(4)),
        _message([["<f4", [-1, -1]]], bytes(4)),
        _message([["<f4", "1"]], bytes(4)),
        _message([["<f4", [1]]], bytes(8)),
        _message([["<f4", [2]]], bytes(4)),
        _message([["<f4", [1] * 9]], bytes(4)),
        _message([["<f4", [0, 1 << 28]]]),
        _message([["<f4", [0]]] * (_ARRAYS // 4 + 1)),
        _message([["|i1", [_ARRAYS]]], bytes(_ARRAYS)),
        _message({"<f4": [1]}, bytes(4)),
        _message([5]),
        packed({"arrays": []}),
        packed({"message": [], "arrays": []}),
        packed([]),
        packed(b"\xff\xfe[\x00]\x00"),
        packed(_nested(700)),
        packed(_nested(100_000)),
        packed(b"[" * 500_000),
        packed(b'{"a":' * 100_000),
        packed(_nested(1, "1" * 5000)),
        struct.pack(">4sIQ", b"tff1", (1 << 20) + 1, 0),
        struct.pack(">4sIQ", b"tff1", 2, _ARRAYS + 1),
        struct.pack(">4sIQ", b"tff2", 2, 0) + b"{}",
    ],
    ids=lambda data: "",  # numbers are added
)  # fmt: skip
def test_nonsense_is_no_message(data):
    with pytest.raises(WireError):
        _received(data)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
_SHAPE = st.lists(st.integers(-1, 4) | st.sampled_from([1 << 28, 10**30]), max_size=9) | _ANYTHING
_LAYOUT = st.lists(
    st.tuples(st.sampled_from([*TYPES, "(,)f4", "O", ">f4", "f4, i1"]) | _ANYTHING, _SHAPE)
    | _ANYTHING,
    max_size=3,
)


@PLAIN
@given(st.dictionaries(st.text(max_size=3), _ANYTHING), _LAYOUT, st.integers(-1, 40))
def test_whatever_comes_is_a_message_or_none(message, layout, length):
    content = {"message": message, "arrays": layout}
    fitting = [entry for entry in layout if isinstance(entry, tuple) and entry[0] in TYPES]
    if length < 0:
        length = 0
        with contextlib.suppress(TypeError, ValueError):
            length = sum(math.prod(s) * np.dtype(t).itemsize for t, s in fitting)
    body = bytes(range(256))[: max(0, min(length, 256))]
    try:
        told, arrays = _received(packed(content, body))
    except WireError:
        return
    assert json.dumps(told) == json.dumps(message)
    assert [(array.dtype.str, list(array.shape)) for array in arrays] == [*map(tuple, layout)]
    assert b"".join(array.tobytes() for array in arrays) == body


_NUMBERS = st.sampled_from([*TYPES, ">f4", ">i8", ">c8"])


@PLAIN
@given(
    arrays_of.arrays(
        _NUMBERS, arrays_of.array_shapes(min_dims=0, max_dims=5, max_side=3, min_side=0)
    )
)
def test_arrays_of_all_types_arrive(array):
    ours, theirs = socket.socketpair()
    with ours, theirs:  # few numbers, which the connection holds until they are read
        Channel(theirs).send({"x": 1}, [array, array.T])
        message, found = Channel(ours).receive(time.monotonic() + 60)
    assert message == {"x": 1}
    for sent, came in zip([array, array.T], found, strict=True):
        assert came.shape == sent.shape
        np.testing.assert_array_equal(came, sent)


class Trickle:
    """A connection that gives one byte at a time."""

    def __init__(self, data):
        self._data, self._place = data, 0

    def settimeout(self, seconds):
        pass

    def recv_into(self, buffer, size):
        buffer[:1] = self._data[self._place : self._place + 1]
        self._place += 1
        return 1


def test_unfinished_answers_take_no_more_room_than_they_say(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    size = 1 << 17
    data = packed({"message": {}, "arrays": [["<f8", [size // 8]]]}, bytes(size))
    channel = Channel(Trickle(data))
    tracemalloc.start()
    try:
        _, (array,) = channel.receive()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert array.size == size // 8
    assert peak < 2 * size


def sequence(depth, inner):
    for _ in range(depth):
        inner = {"kind": "sequence", "type": "list", "items": [inner]}
    return inner


@pytest.mark.parametrize(
    "entry",
    [
        sequence(4, {"kind": "none"}),
        sequence(900, {"kind": "none"}),
        {"kind": "sequence", "items": [{}] * 17},
        {"kind": "sequence", "items": [5]},
        {"kind": "sequence", "items": {}},
        {"kind": "sequence"},
        [],
        "array",
        None,
    ],
    ids=["four", "deep", "long", "numbers", "object", "nothing", "list", "text", "none"],
)
def test_values_are_bounded(entry):
    with pytest.raises(Malformed):
        Reply({"value": entry}).value("value")


@PLAIN
@given(st.dictionaries(st.sampled_from(["kind", "type", "index", "dtype", "items"]), _ANYTHING))
def test_any_value_is_one_or_malformed(entry):
    arrays = [np.zeros(3, np.float32), np.zeros(2, complex)]
    for given_entry in (entry, {"kind": "array", **entry}, {"kind": "sequence", **entry}):
        reply = Reply({"x": given_entry}, arrays)
        for read in (reply.value, reply.scalar, reply.name, reply.flag, reply.integer):
            with contextlib.suppress(Malformed):
                read("x")
        for read in (reply.sizes, reply.shape, reply.replies):
            with contextlib.suppress(Malformed):
                assert len(read("x")) <= 1000


def test_told_shapes_can_be_made():
    assert Reply({"x": [2, 0, 3]}).shape("x") == (2, 0, 3)
    for shape in ([1] * 9, [MOST_NUMBERS + 1], [0, MOST_NUMBERS + 1], [1 << 30] * 5, [-1], [1.0]):
        with pytest.raises(Malformed):
            Reply({"x": shape}).shape("x")
