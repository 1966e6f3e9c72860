"""Submissions that harm or fool a grader that lets them: here they get their true scores."""

import contextlib
import os
import re
import time
from pathlib import Path

import pytest

from tfp_flows.grading import Status

HERE = Path(__file__).parent / "hostile"
FILES = sorted(path for path in HERE.iterdir() if path.suffix in (".py", ".ipynb"))
_SECONDS = 60
# What a submission may add to the memory of the grading process, and what the kernel may keep
# for it.
_MOST_GROWTH, _MOST_KEPT = 100e6, 64e6

# Points and words of the message of the items that a file defines; of one that is no submission,
# of any item.
_NO_NUMBERS = "not a tensor of numbers"
_DAMAGED, _NO_CELLS = "JSON is damaged", "it has no cells"
_EXITED, _MEMORY = "ended its own process", "asked for more memory|used more than"
_WRONG, _UNREADABLE = "wrong numbers", "cannot be read as a result"
_NO_MESSAGE = "wrote to the grader's own connection"
EXPECTED = {
    "allocate_at_once.py": {"forward": (0, _MEMORY)},
    "allocate_slowly.py": {"forward": (0, _MEMORY)},
    "allocate_tensor.py": {"forward": (0, _MEMORY)},
    "always_equal.py": {
        "forward": (0, f"class AlwaysEqual, {_NO_NUMBERS}"),
        "realnvp_block": (0, f"class AlwaysEqual, {_NO_NUMBERS}"),
        "get_conv_resnet": (0, f"class AlwaysEqual, {_NO_NUMBERS}"),
    },
    "ask_page_cache.py": {"forward": (10, "Right")},
    "base_exceptions.py": {
        "forward": (0, "raises .line 2. KeyboardInterrupt"),
        "inverse": (0, "calls itself without an end"),
        "forward_log_det_jacobian": (0, "raises .line 10. GeneratorExit"),
    },
    "changes_input.py": {"forward": (7, "changes its input")},
    "close_descriptors.py": {"forward": (0, _EXITED)},
    "deep_tree.py": {"forward": (10, "Right")},
    "crash.py": {"forward": (0, "crashed .signal 11")},
    "deep.ipynb": {"forward": (0, _DAMAGED)},
    "deep_code.py": {"forward": (0, "not Python|too nested")},
    "empty.ipynb": {"forward": (0, "file is empty")},
    "endless_loop.py": {"forward": (0, "not ended after 12 seconds: is there an endless loop")},
    "endless_sleep_ignoring_signals.py": {"forward": (0, "not ended after 12 seconds")},
    "fake_report.py": {"forward": (0, f"class str, {_NO_NUMBERS}")},
    "fill_disk.py": {"forward": (10, "Right")},
    "fill_pipes.py": {"forward": (10, "Right")},
    "first_call_only.py": {"forward": (3, "right when called first, and wrong after that")},
    "float64.py": {"forward": (8, "type float64, not float32")},
    "flood_output.py": {"forward": (10, "Right")},
    "forge_answers.py": {"forward": (0, _NO_NUMBERS)},
    "forge_failure.py": {"forward": (0, r"It raises .*100 points")},
    "forge_layouts.py": {
        "forward": (0, _NO_MESSAGE),
        "inverse": (0, _NO_MESSAGE),
        "forward_log_det_jacobian": (0, _NO_MESSAGE),
        "inverse_log_det_jacobian": (0, _NO_MESSAGE),
        "channel_binary_mask": (0, _NO_MESSAGE),
        "get_preprocess_bijector": (0, f"{_NO_MESSAGE}|{_UNREADABLE}"),
        "AffineCouplingLayer": (0, _NO_MESSAGE),
        "realnvp_block": (0, _NO_MESSAGE),
        "get_conv_resnet": (0, _NO_MESSAGE),
    },
    "forge_nonsense.py": {
        "forward": (0, _UNREADABLE),
        "inverse": (0, _UNREADABLE),
        "forward_log_det_jacobian": (0, _NO_MESSAGE),
        "channel_binary_mask": (0, _UNREADABLE),
        "get_preprocess_bijector": (0, _UNREADABLE),
    },
    "forge_shapes.py": {
        "get_conv_resnet": (0, _UNREADABLE),
        "realnvp_block": (0, "squeeze is there 25 times"),
        "channel_binary_mask": (0, _NO_MESSAGE),
        "forward": (0, _UNREADABLE),
        "inverse": (0, _NO_MESSAGE),
    },
    "forge_weights.py": {
        "get_conv_resnet": (0, _UNREADABLE),
        "realnvp_block": (0, _UNREADABLE),
    },
    "fork_bomb.py": {"forward": (0, "not allowed here")},
    "fork_bomb_quiet.py": {"forward": (10, "Right")},
    "generators.py": {
        "forward": (0, f"class generator, {_NO_NUMBERS}"),
        "forward_log_det_jacobian": (0, f"class generator, {_NO_NUMBERS}"),
        "channel_binary_mask": (0, f"class generator, {_NO_NUMBERS}"),
    },
    "huge_reply.py": {"forward": (0, "4,294,967,296 bytes")},
    "junk.ipynb": {"forward": (0, "file is binary")},
    "junk.py": {"forward": (0, "file is binary")},
    "keep_unmapped.py": {"forward": (0, "not allowed here"), "inverse": (0, "It (raises|tried)")},
    "kill_parent.py": {"forward": (10, "Right")},
    "letter.ipynb": {"forward": (0, _DAMAGED)},
    "list.ipynb": {"forward": (0, _NO_CELLS)},
    "nan.py": {
        "forward": (0, "NaN or infinite"),
        "get_preprocess_bijector": (0, "NaN or infinite"),
    },
    "network.py": {"forward": (0, "not permitted|not allowed|unreachable")},
    "no_cells.ipynb": {"forward": (0, _NO_CELLS)},
    "object_array.py": {"forward": (0, f"ndarray of objects, {_NO_NUMBERS}")},
    "odd_types.py": {
        "forward": (1, "type float128, not float32. Gradients .* are cut"),
        "inverse": (3, "Gradients .* are cut"),
        "channel_binary_mask": (0, _NO_NUMBERS),
        "forward_log_det_jacobian": (0, f"complex numbers, {_NO_NUMBERS}"),
        "inverse_log_det_jacobian": (0, _NO_NUMBERS),
        "AffineCouplingLayer": (0, f"9 axes, {_NO_NUMBERS}"),
    },
    "os_exit.py": {"forward": (0, _EXITED)},
    "os_exit_in_default.py": {"forward": (0, _EXITED)},
    "read_grader.py": {"forward": (0, _WRONG)},
    "read_secrets.py": {"forward": (0, _WRONG)},
    "replace_allclose.py": {"forward": (0, _WRONG)},
    "replace_reduce_sum.py": {"forward_log_det_jacobian": (0, "numbers are wrong")},
    "spell_in_shapes.py": {
        "inverse_log_det_jacobian": (0, r"^\D*shape\D*$"),
    },
    "slow_answer.py": {"forward": (0, f"{_EXITED}|not ended after 12 seconds")},
    "steal_by_each_other.py": {
        "forward_log_det_jacobian": (0, "calls itself without an end"),
        "inverse_log_det_jacobian": (0, "calls itself without an end"),
    },
    "steal_reference.py": {
        "forward": (0, "KeyError"),
        "channel_binary_mask": (0, "AttributeError"),
        "get_preprocess_bijector": (0, "RealNVPModel"),
        "AffineCouplingLayer": (0, "not written yet"),
        "inverse": (0, _WRONG),
        "realnvp_block": (0, "returns nothing"),
    },
    "strange_cells.ipynb": {"forward": (0, "no code in it")},
    "strange_errors.py": {
        "forward": (0, "raises .line 9. Silent"),
        "inverse": (0, "raises .line 13. ValueError"),
    },
    "sys_exit.py": {"forward": (0, "called sys.exit")},
    "system_exit_at_import.py": {"forward": (0, "called sys.exit or raised SystemExit")},
    "tensor_subclass.py": {"forward": (0, _WRONG)},
    "thread_bomb.py": {"forward": (0, "start new thread")},
    "thread_bomb_small.py": {"forward": (0, f"start new thread|{_MEMORY}")},
    "whisper.py": {
        "AffineCouplingLayer": (0, "not written yet"),
        "realnvp_block": (0, "nothing to see"),
    },
    "whisper_by_locks.py": {"forward": (10, "Right")},
    "write_results.py": {"forward": (0, _WRONG)},
    "write_to_all_descriptors.py": {"forward": (0, _NO_MESSAGE)},
    "wrong_shapes.py": {
        "forward": (0, "returns the shape"),
        "channel_binary_mask": (0, "returns the shape"),
        "inverse_log_det_jacobian": (0, "summed over the batch"),
    },
}


@pytest.fixture
def trap(tmp_path):
    """A folder that a submission must neither read nor change; it knows its name."""
    place = tmp_path / "trap"
    place.mkdir()
    (place / "secret.txt").write_text("do not read")
    yield place
    assert _content(place) == {"secret.txt": "do not read"}


def _content(place):
    return {path.name: path.is_file() and path.read_text() for path in place.iterdir()}


def _armed(path, trap, folder):
    """A copy of a file that is told where the trap is."""
    copy = folder / path.name
    content = path.read_bytes()
    if b'TRAP = "/trap"' in content:
        content = content.replace(b'TRAP = "/trap"', f"TRAP = {str(trap)!r}".encode())
    copy.write_bytes(content)
    return copy


@contextlib.contextmanager
def _little_growth():
    """Holds that this process takes little more memory meanwhile than it had before."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is measured from here on
    except OSError:
        pytest.skip("the memory of a process cannot be measured here")
    before = _memory("VmRSS")
    yield
    assert _memory("VmHWM") - before < _MOST_GROWTH


def _memory(name):
    found = re.search(rf"^{name}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return 1024 * int(found[1])


def test_there_are_enough_of_them():
    assert len(FILES) >= 20
    assert {path.name for path in FILES} == set(EXPECTED)


def test_traps_catch_what_is_not_confined(tmp_path, capsys):
    """The same files, run here and kept to the trap, fall into it."""
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "secret.txt").write_text("do not read")
    for name in ("read_secrets.py", "write_results.py"):
        names = {}
        exec(_armed(HERE / name, trap, tmp_path).read_text(), names)
        names.update(here=list, FOLDERS=[str(trap)], PLACES=[f"{trap}/secret.txt"])
        names["forward"](None, None, None)
    assert f"FOUND {trap}/secret.txt do not read" in capsys.readouterr().out
    (trap / "secret.txt").chmod(0o600)
    assert set(_content(trap)) > {"secret.txt", "feedback.json", "hostile-was-here", "made"}
    assert _content(trap)["secret.txt"] == ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_is_confined(path, grader, trap, tmp_path):
    before = set(os.listdir("/"))
    started = time.monotonic()
    with _little_growth():
        report = grader.grade(_armed(path, trap, tmp_path))
    assert time.monotonic() - started < _SECONDS
    found = {item.id: (item.points, item.message) for item in report.items}
    for name, (points, says) in EXPECTED[path.name].items():
        assert found[name][0] == pytest.approx(points), (name, found[name])
        assert re.search(says, found[name][1]), (name, found[name])
    rest = [points for name, (points, _) in found.items() if name not in EXPECTED[path.name]]
    assert sum(rest) == 0
    assert "FOUND" not in report.output, report.output
    inside = any(wall.startswith("namespaces") for wall in report.isolation)
    for line in re.findall(r"^wrote .*$", report.output, re.M):
        assert inside, line
        assert line.startswith("wrote /tmp "), line
    assert set(os.listdir("/")) == before
    assert all(int(kept) < _MOST_KEPT for kept in re.findall(r"KEPT (\d+)", report.output))
    for message in [message for _, message in found.values()]:
        assert "FOUND" not in message
        assert all(character.isprintable() or character == "\n" for character in message)
        assert len(message) < 1000


def test_the_grader_still_works_after_them(graded):
    text = "def channel_binary_mask(n, orientation=0):\n    return tf.zeros((1, 1, n))\n"
    result = graded(text, "channel_binary_mask")["channel_binary_mask"]
    assert result.status is Status.failed, result
    text = "def forward(x, b, f):\n    t, s = f(b * x)\n"
    text += "    return b * x + (1 - b) * (x * tf.exp(s) + t)\n"
    assert graded(text, "forward")["forward"].points == 10
