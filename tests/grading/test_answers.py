"""What comes back from a confined process: a message within its bounds, or lost points."""

import contextlib
import json
import math
import os
import socket
import struct
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tfp_flows.grading import Isolation, Limits, Status, load_rubric
from tfp_flows.grading.confined.wire import MOST_NUMBERS, Channel, WireError
from tfp_flows.grading.process import Ended, Failure, Process
from tfp_flows.grading.replies import Malformed, Reply
from tfp_flows.grading.trial import Finding, Trial

SOLUTION = Path(__file__).parent / "solution.py"
_MOST_BYTES = 200 << 20
_ARRAYS = 1 << 16
_PLAIN = settings(max_examples=60, deadline=None, derandomize=True)
TYPES = [*("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"), "<f2", "<f4", "<f8"]
TYPES += ["<c8", "<c16"]


def _packed(content, body=b""):
    """The bytes of a message with any content, right or wrong."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack(">4sIQ", b"tff1", len(text), len(body)) + text + body


def _send(connection, data):
    with contextlib.suppress(OSError):
        connection.sendall(data)


def _received(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=_send, args=(theirs, data), daemon=True)
        sender.start()
        channel = Channel(ours, max_json=1 << 20, max_arrays=_ARRAYS, max_numbers=_ARRAYS // 4)
        return channel.receive(time.monotonic() + 60)


def _nested(depth, inner="0"):
    return (
        b'{"message": {"a": ' + (b"[" * depth + inner.encode() + b"]" * depth) + b'}, "arrays": []}'
    )


def _message(layout, body=b""):
    return _packed({"message": {}, "arrays": layout}, body)


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
        _packed({"arrays": []}),
        _packed({"message": [], "arrays": []}),
        _packed([]),
        _packed(b"\xff\xfe[\x00]\x00"),
        _packed(_nested(700)),
        _packed(_nested(100_000)),
        _packed(b"[" * 500_000),
        _packed(b'{"a":' * 100_000),
        _packed(_nested(1, "1" * 5000)),
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


@_PLAIN
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
        told, arrays = _received(_packed(content, body))
    except WireError:
        return
    assert json.dumps(told) == json.dumps(message)
    assert [(array.dtype.str, list(array.shape)) for array in arrays] == [*map(tuple, layout)]
    assert b"".join(array.tobytes() for array in arrays) == body


_NUMBERS = st.sampled_from([*TYPES, ">f4", ">i8", ">c8"])


@_PLAIN
@given(arrays_of.arrays(_NUMBERS, arrays_of.array_shapes(min_dims=0, max_dims=8, min_side=0)))
def test_arrays_of_all_types_arrive(array):
    ours, theirs = socket.socketpair()
    with ours, theirs:
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
    data = _packed({"message": {}, "arrays": [["<f8", [size // 8]]]}, bytes(size))
    channel = Channel(Trickle(data))
    tracemalloc.start()
    try:
        _, (array,) = channel.receive()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert array.size == size // 8
    assert peak < 2 * size


def _sequence(depth, inner):
    for _ in range(depth):
        inner = {"kind": "sequence", "type": "list", "items": [inner]}
    return inner


@pytest.mark.parametrize(
    "entry",
    [
        _sequence(4, {"kind": "none"}),
        _sequence(900, {"kind": "none"}),
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


@_PLAIN
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


class Rehearsed:
    """Stands for what forks runs: its runs give the answers that it has been told."""

    isolation = Isolation(None, False, False)

    def __init__(self, answers):
        self._answers = answers

    def submit(self, job, descriptors):
        channel, _, status = descriptors
        ends = socket.socket(fileno=os.dup(channel)), socket.socket(fileno=os.dup(status))
        threading.Thread(target=self._serve, args=ends, daemon=True).start()

    def _serve(self, connection, status):
        with connection, status:
            channel = Channel(connection)
            channel.send({"walls": []})
            with contextlib.suppress(WireError):
                for answer in self._answers:
                    channel.receive()
                    _send(connection, answer)
                channel.receive()
            _send(status, b'{"reason": null, "code": 0, "peak": 1}')


def _judged(item, answers):
    """What a check finds where its run gives such answers, and the most memory that it took."""
    tracemalloc.start()
    try:
        with Process(Rehearsed(answers), Limits(seconds=60), 0) as process:
            trial = Trial(process, item.id, np.random.default_rng(0), item.settings)
            try:
                with np.errstate(all="ignore"):
                    found = list(item.check(trial))
            except (Failure, Ended, Malformed) as error:
                found = [error]
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def honest(grader):
    """The answers of the solution, by item, to inputs that can be drawn again."""
    log, request, drawn = [], Process.request, np.random.default_rng

    def recorded(self, do, arrays=(), **fields):
        answer, found = request(self, do, arrays, **fields)
        name = fields.get("function") or fields.get("settings", {}).get("name")
        log.append((name, answer, found))
        return answer, found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "request", recorded)
        patch.setattr(np.random, "default_rng", lambda *_: drawn(0))
        report = grader.grade(SOLUTION)
    assert {item.status for item in report.items} == {Status.passed}
    answers = {}
    for name, answer, found in log:
        if name:
            answers.setdefault(name, []).append((answer, found))
    return answers


def _places(entry, path=()):
    """Where something can be put in its place: each entry of nested lists and objects."""
    yield path
    parts = entry.items() if isinstance(entry, dict) and len(path) < 12 else ()
    parts = enumerate(entry[:50]) if isinstance(entry, list) and len(path) < 12 else parts
    for key, part in parts:
        yield from _places(part, (*path, key))


def _replaced(entry, path, new):
    if not path:
        return new(entry)
    parts = list(entry) if isinstance(entry, list) else dict(entry)
    parts[path[0]] = _replaced(parts[path[0]], path[1:], new)
    return parts


_NEW = [
    *(lambda old, value=value: value for value in (
        None, True, -1, 2, 7, 1 << 30, 1 << 31, 10**18, 1e300, math.inf, math.nan, "", "x" * 300,
        "\ud800", "(,)f4", "<f8", "coupling", "normalisation", "squeeze", "kernel", "moving_mean",
        [], {}, [0] * 1001, [1] * 9, [150_000, 1, 1, 1, 1], [1 << 21], [1, 1 << 20], [1 << 20, 1],
        [0, 1 << 20, 1 << 20], [3, 3, 1, 1 << 16], [1000] * 50, {"kind": "none", "type": 5},
        *({"kind": "array", "type": "x", "index": n, "dtype": "float32"} for n in range(4)),
    )),
    lambda old: [old] * 2,
    lambda old: [old] * 1000,
    lambda old: old * 200 if isinstance(old, list | str) else {"x": old},
    lambda old: old[:-1] if isinstance(old, list | str) else [[[old]]],
    lambda old: _sequence(3, old),
    lambda old: _sequence(100, old),
]  # fmt: skip
_ARRAY_NEW = [
    lambda a: a.ravel()[:, None],
    lambda a: a.ravel()[None],
    lambda a: a[None],
    lambda a: a.astype(np.complex64),
    lambda a: a.astype(np.int8),
    lambda a: np.full(a.shape, np.nan, np.float32),
    lambda a: np.full(a.shape, np.inf),
    lambda a: np.full(a.shape, np.finfo(np.float16).max, np.float16),
    lambda a: np.full(a.shape, np.finfo(np.float64).max),
    lambda a: np.full(a.shape, (1 << 64) - 1, np.uint64),
    lambda a: np.full(a.shape, 7, np.uint8).view(bool),
    lambda a: np.full(a.shape, 1e-310),
    lambda a: np.zeros((1 << 20, 1), np.float32),
    lambda a: np.zeros((1, 1 << 20), np.float32),
    lambda a: np.zeros(1 << 21, np.int8),
    lambda a: np.zeros((0, 1 << 20)),
    lambda a: np.zeros((1,) * 8),
    lambda a: np.zeros(()),
]


def _content(answer, found):
    layout = [[array.dtype.str, list(array.shape)] for array in found]
    return {"message": {"answer": answer}, "arrays": layout}


def _bytes(found):
    return b"".join(array.tobytes() for array in found)


def _spoiled(draw, answer, found):
    """The bytes of an answer with changes somewhere in it."""
    found = list(found)
    spoiled = draw(st.integers(0, 2)) if found else 0
    for _ in range(spoiled):
        place = draw(st.integers(0, len(found) - 1))
        found[place] = draw(st.sampled_from(_ARRAY_NEW))(found[place])
    content = _content(answer, found)
    for _ in range(draw(st.integers(0 if spoiled else 1, 3))):
        path = draw(st.sampled_from(list(_places(content))))
        content = _replaced(content, path, draw(st.sampled_from(_NEW)))
    return _packed(content, _bytes(found))


ITEMS = {item.id: item for item in load_rubric().items}


@pytest.mark.parametrize("name", ITEMS)
def test_spoiled_answers_cost_points_and_nothing_else(name, honest):
    """Each answer to each request of a check, with changes anywhere in it."""
    right = [_packed(_content(*answer), _bytes(answer[1])) for answer in honest[name]]
    assert _judged(ITEMS[name], right)[0] == []

    @settings(_PLAIN, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def judge(data):
        answers = list(right)
        place = data.draw(st.integers(0, len(right) - 1))
        answers[place] = _spoiled(data.draw, *honest[name][place])
        found, peak = _judged(ITEMS[name], answers)
        assert all(isinstance(each, Finding | Failure | Ended | Malformed) for each in found)
        assert peak < _MOST_BYTES
        for each in found:
            assert len(str(each)) < 2000

    judge()
