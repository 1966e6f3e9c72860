"""The walls: which are chosen, what they refuse to do without, and what is removed after a run."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tfp_flows.grading import Isolation, Limits
from tfp_flows.grading.isolation import candidates
from tfp_flows.grading.process import _made_folder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _python(code, *arguments, before=()):
    """Runs code in a Python of its own."""
    return subprocess.run(
        [*before, sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_strongest_way_comes_first(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert [way.namespaces for way in candidates()] == [True, False]
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/bwrap")
    ways = candidates()
    assert [bool(way.bubblewrap) for way in ways] == [True, True, False, False]
    assert [way.namespaces for way in ways] == [True, False, True, False]
    if os.getuid() != 0:
        assert not any(way.user for way in ways)


def test_reports_say_which_walls_there_were(grader, tmp_path):
    (tmp_path / "x.py").write_text("def forward(x, b, f):\n    return x\n")
    walls = grader.grade(tmp_path / "x.py", part="forward").isolation
    assert "limits" in walls
    assert "seccomp" in walls or any(wall.startswith("namespaces") for wall in walls)


@pytest.mark.parametrize(
    "isolation", [Isolation(None, True, False), Isolation("bwrap", True, True)]
)
def test_no_folder_of_this_machine_where_the_walls_hold_one(isolation):
    assert _made_folder(isolation, 0) is None


def test_only_a_folder_that_was_made_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "of_others").write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("x")
    folder = _made_folder(Isolation(None, False, False), 0)
    scratch = Path(folder.name) / "scratch"
    assert scratch.parent.parent == tmp_path
    (scratch / "file").write_text("x")
    (scratch / "link").symlink_to(tmp_path / "outside")
    (scratch / "deep").mkdir()
    (scratch / "deep" / "root").symlink_to("/")
    folder.cleanup()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["of_others", "outside"]
    assert (tmp_path / "outside" / "kept").read_text() == "x"


_WITHOUT = """
    import os, sys
    from tfp_flows.grading.confined import landlock, seccomp, walls

    if "seccomp" in sys.argv:
        seccomp.restrict = lambda: False
    if "landlock" in sys.argv:
        landlock.restrict = lambda *_: False
    try:
        walls.enter(walls.Walls(False, [], [], [], "/", None, 5 << 30, 1 << 20, 60))
    except OSError as error:
        print("refused:", error)
"""


def test_nothing_runs_where_it_could_reach_other_processes():
    done = _python(_WITHOUT, "seccomp")
    assert "refused: " in done.stdout, done.stderr


def test_nothing_runs_as_root_where_it_could_write_files():
    if os.getuid() != 0:
        pytest.skip("this is about root")
    done = _python(_WITHOUT, "landlock")
    assert "refused: root may write everywhere" in done.stdout, done.stderr


_WEAK = """
    import json, os, sys
    from pathlib import Path
    from tfp_flows.grading import Grader, Isolation, Limits
    from tfp_flows.grading.isolation import candidates

    place, hostile = Path("/tmp/place"), Path(sys.argv[1])
    place.mkdir()
    (place / "kept").write_text("x")
    way = Isolation(None, False, candidates()[-1].user)
    with Grader(limits=Limits(seconds=15), isolation=way) as grader:
        found = {}
        for name in sys.argv[2:]:
            report = grader.grade(hostile / name, part="forward")
            found[name] = [report.points, report.items[0].message, report.output, report.isolation]
    found["left"] = sorted(str(path) for path in Path("/tmp").rglob("*"))
    print(json.dumps(found))
"""


def test_weaker_walls_hold_as_well():
    """Without namespaces; in a view of the files where /tmp is a new one, should they not hold."""
    inside = 'mount -t tmpfs tmpfs /tmp && exec "$@"'
    before = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "bash", "-c", inside, "x"]
    if os.getuid() != 0 or subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("no view of its own to be had here")
    names = ["kill_parent.py", "fork_bomb_quiet.py", "network.py", "write_results.py", "os_exit.py"]
    done = _python(_WEAK, HERE / "hostile", *names, "read_secrets.py", before=before)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("left") == ["/tmp/place", "/tmp/place/kept"]
    points = {name: value[0] for name, value in found.items()}
    assert points["kill_parent.py"] == points["fork_bomb_quiet.py"] == 10, found
    assert points["network.py"] == points["os_exit.py"] == points["read_secrets.py"] == 0
    for _, _, output, walls in found.values():
        assert "FOUND" not in output
        assert "seccomp" in walls
        assert not any(wall.startswith("namespaces") for wall in walls)


def test_limits_are_as_documented():
    limits = Limits()
    assert limits.memory <= 1.5 * 2**30
    assert limits.total_seconds <= 1200
