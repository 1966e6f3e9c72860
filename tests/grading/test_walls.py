"""The walls: which are chosen, and what they refuse to do without."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tfp_flows.grading import Isolation, Limits
from tfp_flows.grading.confined import landlock
from tfp_flows.grading.isolation import candidates

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


_WITHOUT = """
    import json, os, sys
    from tfp_flows.grading.confined import landlock, linux, seccomp, walls

    given = json.loads(sys.argv[1])
    if "seccomp" in given["lacks"]:
        seccomp.restrict = lambda **_: False
    if "landlock" in given["lacks"]:
        landlock.restrict = lambda *_: False
    if given["namespaces"]:
        linux.unshare = lambda flags: None
        walls._own_root = lambda *_: None
    if os.getuid() == 0 and given["become"]:
        os.setgroups([])
        os.setresgid(given["become"], given["become"], given["become"])
        os.setresuid(given["become"], given["become"], given["become"])
    view = walls.View(given["namespaces"], [], [], [], [given["secret"]])
    try:
        up = walls.enter(view, walls.Bounds(given["user"], 5 << 30, 1 << 20, 60))
        print("up:", up.names, "weaker:", up.weaker, "serious:", up.serious)
    except OSError as error:
        print("refused:", error)
"""


def _enter(*lacks, become=61000, user=None, namespaces=False, secret="/"):
    """What becomes of walls of which some parts are not to be had; by an ordinary user."""
    job = {
        "lacks": lacks, "become": become, "user": user, "namespaces": namespaces,
        "secret": str(secret),
    }  # fmt: skip
    done = _python(_WITHOUT, json.dumps(job))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_runs_where_it_could_reach_other_processes():
    lacks = ["seccomp"] if landlock.version() else ["seccomp", "landlock"]
    assert "refused: neither namespaces" in _enter(*lacks)


def test_nothing_runs_where_it_could_reach_files():
    assert "refused: neither namespaces, Landlock nor a user" in _enter("landlock")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be or become another user")
def test_nothing_runs_as_root_where_it_could_reach_files(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    refused = "refused: root keeps rights on files"
    assert refused in _enter("landlock", become=0)
    assert refused in _enter("landlock", become=0, namespaces=True)
    assert "refused: everybody may read" in _enter("landlock", become=0, user=61000)
    up = _enter("landlock", become=0, user=61000, secret=closed)
    assert "up: ['a user of its own'" in up
    assert "weaker: ['without namespaces" in up
    assert "without Landlock" in up
    assert "serious: []" in up


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be root")
def test_what_is_weaker_is_named_and_what_matters_said():
    root = "serious: ['submissions run as root"
    assert root in _enter(become=0)
    assert root in _enter(become=0, namespaces=True)
    assert "without seccomp" in _enter("seccomp", user=61000, become=0, namespaces=True)
    assert "weaker: [] serious: []" in _enter(user=61000, become=0, namespaces=True)
    assert "serious: []" in _enter()


_CALLS = """
    import ctypes, errno, fcntl, os, signal, sys
    from tfp_flows.grading.confined import linux, seccomp

    linux.no_new_privileges()
    assert seccomp.restrict(writes=False)
    place, parent = sys.argv[1], os.getppid()
    read, write = os.pipe()
    actions = {
        "kill": lambda: os.kill(parent, 0),
        "fork": os.fork,
        "owner": lambda: fcntl.fcntl(read, fcntl.F_SETOWN, parent),
        "signal": lambda: fcntl.fcntl(read, 10, signal.SIGKILL),
        "lease": lambda: fcntl.fcntl(os.open(place + "/file", os.O_RDONLY), 1024, 0),
        "ioctl": lambda: fcntl.ioctl(read, 0x8901, b"1234"),
        "priority": lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
        "affinity": lambda: os.sched_setaffinity(parent, {0}),
        "survive": linux.end_with_parent,
        "open": lambda: os.open(place + "/new", os.O_CREAT | os.O_RDONLY),
        "append": lambda: os.open(place + "/file", os.O_WRONLY | os.O_APPEND),
        "empty": lambda: os.open(place + "/file", os.O_RDONLY | os.O_TRUNC),
        "truncate": lambda: os.truncate(place + "/file", 0),
        "chmod": lambda: os.chmod(place, 0),
        "utime": lambda: os.utime(place + "/file"),
        "mkdir": lambda: os.mkdir(place + "/made"),
        "rename": lambda: os.rename(place + "/file", place + "/moved"),
        "unlink": lambda: os.unlink(place + "/file"),
        "symlink": lambda: os.symlink("/", place + "/link"),
    }
    for name, action in actions.items():
        try:
            action()
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES):
                continue
            print(name, error)
        else:
            print(name)
    assert open(place + "/file").read() == "x"
    os.kill(os.getpid(), 0)
    print("done")
"""


def test_calls_that_reach_out_are_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    done = _python(_CALLS, tmp_path)
    assert done.stdout == "done\n", done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


_WEAK = """
    import json, os, sys
    from pathlib import Path
    from tfp_flows.errors import InputError
    from tfp_flows.grading import Grader, Isolation, Limits
    from tfp_flows.grading.isolation import candidates

    place, hostile = Path(sys.argv[1]), Path(sys.argv[2])
    (place / "trap").mkdir(parents=True)
    (place / "trap" / "secret.txt").write_text("do not read")
    way = Isolation(None, False, candidates()[-1].user)
    found = {}
    try:
        with Grader(limits=Limits(seconds=15), isolation=way, weak_walls=True) as grader:
            for name in sys.argv[3:]:
                text = (hostile / name).read_text()
                text = text.replace('TRAP = "/trap"', f"TRAP = {str(place / 'trap')!r}")
                (place / name).write_text(text)
                report = grader.grade(place / name, part="forward")
                item = report.items[0]
                found[name] = [
                    *(report.points, item.message, report.output, report.isolation),
                    report.weaker,
                ]
                (place / name).unlink()
    except InputError as error:
        found["refused"] = str(error)
    found["left"] = sorted(str(path.relative_to(place)) for path in place.rglob("*"))
    print(json.dumps(found))
"""
_HARMLESS = {"kill_parent.py", "fork_bomb_quiet.py", "fill_disk.py", "deep_tree.py"}
_HARMLESS |= {"ask_page_cache.py", "whisper_by_locks.py", "fill_pipes.py"}
_FOILED = {"network.py", "write_results.py", "os_exit.py", "read_secrets.py", "read_grader.py"}
_FOILED |= {"keep_unmapped.py"}


def _new_folders():
    """A script that runs its arguments where /tmp and /root are new, but for what it needs to run.

    Python may lie in the latter, which is closed to another user.
    """
    paths = sorted({str(ROOT), sys.prefix, sys.base_prefix})
    kept = shlex.join(path for path in paths if path.startswith(("/tmp/", "/root/")))
    return f"""
        set -e
        mount -t tmpfs tmpfs /mnt
        for path in {kept}; do mkdir -p "/mnt$path"; mount --bind "$path" "/mnt$path"; done
        mount -t tmpfs tmpfs /tmp
        mount -t tmpfs -o mode=755 tmpfs /root
        for path in {kept}; do
            mkdir -p "$path"
            mount --bind "/mnt$path" "$path"
            mount -o remount,bind,ro "$path"
        done
        exec "$@"
    """


def test_weaker_walls_hold_as_well(tmp_path):
    """Without namespaces, as on platforms; as root where /tmp and /root are new."""
    before, place = [], tmp_path / "place"
    if os.getuid() == 0:  # should the walls not hold
        before = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
        before, place = [*before, "bash", "-c", _new_folders(), "x"], "/tmp/place"
    done = _python(_WEAK, place, HERE / "hostile", *_HARMLESS, *_FOILED, before=before)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "refused" not in found or not landlock.version(), found["refused"]
    assert found.pop("left") == ["trap", "trap/secret.txt"]
    if not landlock.version():
        assert "Landlock" in found["refused"]
        return
    assert {name for name, value in found.items() if value[0] == 10} == _HARMLESS, found
    assert {name for name, value in found.items() if value[0] == 0} == _FOILED, found
    for name, (_, _, output, walls, weaker) in found.items():
        assert "without namespaces" in weaker[0]
        assert "FOUND" not in output, (name, output)
        assert "wrote" not in output, (name, output)
        assert {"Landlock", "seccomp"} <= set(walls)
        assert not any(wall.startswith("namespaces") for wall in walls)


def test_limits_are_within_what_is_promised():
    limits = Limits()
    assert limits.memory < 1.5e9
    assert limits.total_seconds <= 1200
    assert Isolation(None, True, False).shares_processes is False
