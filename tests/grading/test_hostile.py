"""Submissions that harm or fool a grader that lets them: here they get their true scores."""

import os
import re
import time
from pathlib import Path

import pytest

from tfp_flows.grading import Status

HERE = Path(__file__).parent / "hostile"
FILES = sorted(path for path in HERE.iterdir() if path.suffix in (".py", ".ipynb"))
_SECONDS = 60

# Points of the items that a file defines, with words of their messages.
EXPECTED = {}


@pytest.fixture
def traps(tmp_path_factory, monkeypatch):
    """What a submission must neither read nor change."""
    place = tmp_path_factory.mktemp("traps")
    secret = place / "secret.txt"
    secret.write_text("do not read")
    monkeypatch.setenv("MY_SECRET_TOKEN", "FOUND-IT")
    monkeypatch.setenv("RESULTS", str(place))
    yield place
    assert [path.name for path in place.iterdir()] == ["secret.txt"]
    assert secret.read_text() == "do not read"


def test_there_are_enough_of_them():
    assert len(FILES) >= 20
    assert {path.name for path in FILES} == set(EXPECTED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_is_confined(path, grader, traps):
    before = set(os.listdir("/"))
    started = time.monotonic()
    report = grader.grade(path)
    assert time.monotonic() - started < _SECONDS
    found = {item.id: (item.points, item.message) for item in report.items}
    for name, (points, says) in EXPECTED[path.name].items():
        assert found[name][0] == pytest.approx(points), (name, found[name])
        assert re.search(says, found[name][1]), (name, found[name])
    rest = [points for name, (points, _) in found.items() if name not in EXPECTED[path.name]]
    assert sum(rest) == 0
    assert "FOUND" not in report.output, report.output
    assert "wrote /" not in report.output.replace("wrote /tmp ", ""), report.output
    assert set(os.listdir("/")) == before
    for message in [message for _, message in found.values()]:
        assert all(character.isprintable() or character == "\n" for character in message)
        assert len(message) < 1000


def test_the_grader_still_works_after_them(graded):
    text = "def channel_binary_mask(n, orientation=0):\n    return tf.zeros((1, 1, n))\n"
    result = graded(text, "channel_binary_mask")["channel_binary_mask"]
    assert result.status is Status.failed, result
    text = "def forward(x, b, f):\n    t, s = f(b * x)\n"
    text += "    return b * x + (1 - b) * (x * tf.exp(s) + t)\n"
    assert graded(text, "forward")["forward"].points == 10
