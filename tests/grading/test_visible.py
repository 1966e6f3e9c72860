"""What of the machine a submission can read: Python and its packages, and nothing beside them."""

import os
import site
import sys
from pathlib import Path

import pytest

from tfp_flows.errors import InputError
from tfp_flows.grading import Grader, Isolation, find_submissions, grade_all, visible

READING = """
import os


def forward(x, b, shift_and_log_scale_fn):
    for path in {paths}:
        try:
            with open(path) as file:
                print("FOUND", path, file.read())
        except OSError:
            print("hidden", path)
    return x
"""


def _machine(place, monkeypatch):
    """A virtual environment in the folder of the submissions, with a copy of the package."""
    packages = place / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    copy = packages / "tfp_flows" / "grading"
    for folder in (copy, place / "bin", place / "group"):
        folder.mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    (place / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (packages / "six.py").write_text("six\n")
    for path in (copy / "reference.py", place / "ben.py", place / "group" / "carl.py"):
        path.write_text("secret\n")
    for folder in (place, *place.parents[:2]):
        folder.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(place))
    known = site.getsitepackages()
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(packages), *known])
    return packages, [copy / "reference.py", place / "ben.py", place / "group" / "carl.py"]


def test_what_lies_beside_python_is_hidden(tmp_path, monkeypatch):
    packages, secrets = _machine(tmp_path, monkeypatch)
    shown = visible.visible_paths()
    hidden = visible.hidden_paths(shown, visible.copies())
    readable = visible.without(shown, hidden)
    assert str(packages / "tfp_flows") in hidden
    for secret in (*secrets, Path(visible.PACKAGE) / "errors.py"):
        assert not any(visible._is_below(str(secret), path) for path in readable), secret
    mapped = Path("/proc/self/maps").read_text().split()
    system = os.path.realpath(next(path for path in mapped if "/libc.so" in path))
    for needed in (packages / "six.py", os.__file__, sys.executable, system):
        assert any(visible._is_below(str(needed), path) for path in readable), needed
    assert not {"/", "/usr", "/tmp", "/home", sys.prefix, sys.base_prefix} & set(readable)


def test_packed_copies_are_hidden(tmp_path, monkeypatch):
    packages, _ = _machine(tmp_path, monkeypatch)
    for name in ("tfp_flows-0.1.0-py3.11.egg", "tfp_flows-0.1.0-py3-none-any.whl"):
        (packages / name).write_text("secret")
    (packages / "tfp_flows-0.1.0.dist-info").mkdir()
    (packages / "~fp_flows").mkdir()
    readable = visible.without(visible.visible_paths(), visible.copies())
    kept = {Path(path).name for path in readable if Path(path).parent == packages}
    assert kept == {"six.py", "tfp_flows-0.1.0.dist-info"}


def test_packages_of_another_python_are_hidden(tmp_path, monkeypatch):
    other = tmp_path / "python3" / "dist-packages"
    (other / "tfp_flows").mkdir(parents=True)
    monkeypatch.setattr(visible, "_SYSTEM", (str(tmp_path),))
    assert str(other) in visible.hidden_paths(visible.visible_paths(), [])
    assert str(other / "tfp_flows") in visible.copies()


def test_submissions_that_others_could_read_are_refused(tmp_path, monkeypatch):
    packages, _ = _machine(tmp_path, monkeypatch)
    (packages / "anna.py").write_text("x = 1\n")
    submissions, _ = find_submissions([packages / "anna.py"])
    with Grader() as grader:
        for work in (
            lambda: grader.grade(packages / "anna.py"),
            lambda: list(grade_all(grader, submissions)),
        ):
            with pytest.raises(InputError, match=r"anna\.py lies in .*site-packages, which subm"):
                work()
        grader.check_places([tmp_path / "ben.py", tmp_path / "new.py", "here.py"])


@pytest.mark.deep
@pytest.mark.parametrize("namespaces", [True, False])
def test_nothing_beside_python_can_be_read(namespaces, tmp_path, monkeypatch):
    packages, secrets = _machine(tmp_path, monkeypatch)
    paths = [*map(str, secrets), str(packages / "six.py")]
    (tmp_path / "anna.py").write_text(READING.format(paths=paths))
    try:
        with Grader(isolation=Isolation(None, namespaces, False)) as grader:
            output = grader.grade(tmp_path / "anna.py", part="forward").output
    except InputError as error:
        pytest.skip(f"these walls are not to be had here: {error}")
    assert output.count("FOUND") == output.count("six.py six") >= 1
    assert all(f"hidden {secret}" in output for secret in secrets)
