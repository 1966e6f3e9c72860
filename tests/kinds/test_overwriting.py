"""A fit that replaces another one, and two fits in one folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import bad, good, run
from kind_rows import FIXTURES

import tfp_flows as tff
from tfp_flows.runs import folder
from tfp_flows.runs.engine import record_to_resume

OPTIONS = ["two_moons", "-n", 100, "--layers", 1, "--hidden", 4, "--epochs", 2, "--no-plots"]


@pytest.fixture
def finished(tmp_path):
    """A finished run beside a file of someone's own."""
    out = tmp_path / "run"
    shutil.copytree(FIXTURES / "format0" / "tables", out)
    (out / "notes.txt").write_text("mine")
    return out


def content(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_a_fit_that_diverges_keeps_the_earlier_run(finished):
    before = content(finished)
    result = run("fit", *OPTIONS, "--learning-rate", "1e30", "--overwrite", "--out", finished)
    assert result.exit_code == 2
    assert "Training diverged" in result.stderr
    assert content(finished) == before
    assert not (finished / ".new").exists()


def interrupted(place):
    """As Ctrl-C does, also where a background job ignores it."""
    raise KeyboardInterrupt


def test_a_killed_fit_keeps_the_earlier_run_until_it_is_resumed(finished, monkeypatch):
    before = content(finished)
    good("fit", *OPTIONS, "--seed", 3, "--out", finished.parent / "other")
    with monkeypatch.context() as patch:
        patch.setattr(folder, "finish", interrupted)
        result = run("fit", *OPTIONS, "--overwrite", "--out", finished)
    assert result.exit_code == 130
    assert "go on with: tfp-flows fit --resume" in result.stderr
    assert content(finished) == before
    assert tff.open_run(finished).settings.seed == 3
    assert "holds an unfinished fit" in bad("fit", *OPTIONS, "--out", finished)
    good("fit", "--resume", "--out", finished)
    assert set(content(finished)) == {"model.keras", "metrics.json", "notes.txt"}
    assert tff.open_run(finished).settings.seed == 0
    assert not (finished / ".new").exists()


def complete(place, name):
    place.mkdir(parents=True)
    for file in ("metrics.json", "model.keras", "density.png"):
        (place / file).write_text(json.dumps({"pictures": ["density.png"], "of": name}))


def test_replacing_goes_on_wherever_it_was_cut_short(tmp_path, monkeypatch):
    """After each operation on a file a copy of the folder is kept, and settled."""
    copies = []
    for cut in range(20):
        out = tmp_path / str(cut)
        complete(out, "old")
        (out / "corner.png").write_text("old")
        complete(out / ".new", "new")
        left = [cut]

        def limited(operation, left=left):
            def counted(*arguments, **options):
                if left[0] == 0:
                    raise KeyboardInterrupt
                left[0] -= 1
                return operation(*arguments, **options)

            return counted

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", limited(os.replace))
            patch.setattr(Path, "unlink", limited(Path.unlink))
            try:
                folder.settle(out)
            except KeyboardInterrupt:
                copies.append(out)
        if (out / "metrics.json").exists():  # whole, of one fit or the other
            name = json.loads((out / "metrics.json").read_text())["of"]
            assert json.loads((out / "model.keras").read_text())["of"] == name
        folder.settle(out)
        assert {path.name for path in out.iterdir()} == {
            *("metrics.json", "model.keras", "density.png")
        }
        assert all(json.loads(path.read_text())["of"] == "new" for path in out.iterdir())
    assert 3 < len(copies) < 20


def test_a_run_that_is_being_replaced_is_not_listed_twice(finished):
    shutil.copytree(FIXTURES / "format0" / "killed_tables", finished / ".new")
    lines = good("runs", finished.parent).stdout.strip().splitlines()
    assert len(lines) == 2
    assert record_to_resume(finished)[0] == finished / ".new"


HOLD = """
import sys, time
from pathlib import Path
from tfp_flows.files import Claim
with Claim(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_fit_at_a_time_in_a_folder(tmp_path):
    out = tmp_path / "run"
    shutil.copytree(FIXTURES / "format0" / "killed_tables", out)
    root = str(Path(tff.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    ) as other:
        assert other.stdout.readline().strip() == "held"
        before = content(out)
        for arguments in (["--resume"], [*OPTIONS, "--overwrite"]):
            said = bad("fit", *arguments, "--out", out)
            assert f"Another process is writing into {out}" in said
        assert content(out) == before
        other.kill()
        other.wait()
    # The lock went with the process.
    good("fit", "--resume", "--out", out)


def test_files_of_no_fit_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in bad("fit", *OPTIONS, "--out", tmp_path / "file" / "run")
    assert "holds no runs" in bad("runs", tmp_path)
