"""What checks make of spoiled answers: lost points, in little memory, and nothing else."""

import contextlib
import math
import os
import socket
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.test_messages import PLAIN, packed, send, sequence
from tfp_flows.grading import Isolation, Limits, Status, load_rubric
from tfp_flows.grading.confined.wire import Channel, WireError
from tfp_flows.grading.process import Ended, Failure, Process
from tfp_flows.grading.replies import Malformed
from tfp_flows.grading.trial import Finding, Trial

SOLUTION = Path(__file__).parent / "solution.py"
_MOST_BYTES = 200 << 20


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
            channel.send({"walls": {"names": [], "weaker": [], "serious": []}})
            with contextlib.suppress(WireError):
                for answer in self._answers:
                    channel.receive()
                    send(connection, answer)
                channel.receive()
            send(status, b'{"reason": null, "code": 0, "peak": 1}')


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
    tries, request, drawn = [], Process.request, np.random.default_rng

    def recorded(self, do, arrays=(), **fields):
        answer, found = request(self, do, arrays, **fields)
        if do == "prepare":
            tries.append(("", []))
        if do in ("call", "probe"):
            name = fields["function"] if do == "call" else fields["settings"]["name"]
            tries[-1] = name, [*tries[-1][1], (answer, found)]
        return answer, found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "request", recorded)
        patch.setattr(np.random, "default_rng", lambda *_: drawn(0))
        report = grader.grade(SOLUTION)
    assert {item.status for item in report.items} == {Status.passed}
    return dict(reversed(tries))  # the block is asked once more, with all pieces together


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
    lambda old: sequence(3, old),
    lambda old: sequence(100, old),
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
    return packed(content, _bytes(found))


ITEMS = {item.id: item for item in load_rubric().items}


@pytest.mark.parametrize("name", ITEMS)
def test_spoiled_answers_cost_points_and_nothing_else(name, honest):
    """Each answer to each request of a check, with changes anywhere in it."""
    right = [packed(_content(*answer), _bytes(answer[1])) for answer in honest[name]]
    assert _judged(ITEMS[name], right)[0] == []

    @settings(PLAIN, max_examples=30, suppress_health_check=list(HealthCheck))
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
