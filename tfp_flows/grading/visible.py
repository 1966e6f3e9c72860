"""Which files a confined process can read: Python and its packages, without the grader.

Of the folders above these nothing is shown: a virtual environment may lie in the folder of the
submissions, or they in its folder, and a checkout below ``/usr``.
"""

import glob
import importlib.util
import os
import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from tfp_flows.errors import InputError

_SYSTEM = (
    "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib", "/lib", "/lib32",
    "/lib64", "/libx32", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime",
)  # fmt: skip
_PACKAGES = ("numpy", "tensorflow", "tensorflow_probability", "tf_keras", "keras", "matplotlib")
# Packages of a Python, of this one or another one, below a folder of libraries.
_PLACES_OF_PACKAGES = ("python*/site-packages", "python*/dist-packages", "site-packages")
# Also what pip has left; not what is known about an installed copy.
_OURS = re.compile(r"[t~]fp[-_.]?flows(?!.*\.(?:dist|egg)-info$)", re.I)
_PACKED = (".egg", ".whl", ".zip", ".gz")
_MOST_LINKS = 40

PACKAGE = os.path.realpath(Path(__file__).parents[1])
CONFINED = os.path.realpath(Path(__file__).parent / "confined")


def package_paths() -> list[str]:
    """Folders from which the packages of a confined process are imported."""
    folders = []
    for name in _PACKAGES:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin:
            folders.append(os.path.dirname(os.path.dirname(found.origin)))
    return list(dict.fromkeys(folders))


def _sites() -> list[str]:
    """Folders of packages that Python imports from, without those of its user."""
    return list(dict.fromkeys([*site.getsitepackages(), *package_paths()]))


def _python() -> Iterator[str]:
    """Files and folders of Python itself."""
    yield from _links(sys.executable)
    yield from _links(getattr(sys, "_base_executable", sys.executable))
    yield f"{sys.prefix}/pyvenv.cfg"
    for name in ("lib", "lib32", "lib64"):
        yield f"{sys.base_prefix}/{name}"
    yield sysconfig.get_path("stdlib")
    yield sysconfig.get_path("platstdlib", vars={"platbase": sys.base_prefix})


def _links(path: str) -> Iterator[str]:
    """A path, and those that it leads to one after the other."""
    for _ in range(_MOST_LINKS):
        yield path
        if not os.path.islink(path):
            return
        path = os.path.join(os.path.dirname(path), os.readlink(path))
        path = os.path.normpath(path)


def visible_paths() -> list[str]:
    """Files and folders that a confined process sees, none below another one."""
    wanted = [*_SYSTEM, *_python(), *_sites()]
    paths: list[str] = []
    for path in sorted({place for name in wanted for place in (name, os.path.realpath(name))}):
        if path != "/" and os.path.lexists(path) and not any(_is_below(path, p) for p in paths):
            paths.append(path)
    packed = [path for path in _copies(paths) if not os.path.isdir(path)]
    return without(paths, packed) if packed else paths


def copies() -> list[str]:
    """Folders that hold the grader and its answers: this package, and other copies of it."""
    found = [path for path in _copies(visible_paths()) if os.path.isdir(path)]
    return list(dict.fromkeys([PACKAGE, *map(os.path.realpath, found)]))


def _copies(paths: Iterable[str]) -> Iterator[str]:
    for folder in dict.fromkeys([*_sites(), *_sites_below(paths)]):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if _OURS.match(name) and (os.path.isdir(path) or name.endswith(_PACKED)):
                yield path


def _sites_below(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        for pattern in _PLACES_OF_PACKAGES:
            yield from glob.iglob(os.path.join(glob.escape(path), pattern))


def hidden_paths(visible: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """What lies below visible folders and must not be seen there.

    Args:
        visible: The folders.
        secrets: Folders with answers. Packages that are imported by another Python than this one
            are hidden besides.
    """
    paths = list(visible)
    used = {os.path.realpath(folder) for folder in _sites()}
    others = {os.path.realpath(folder) for folder in _sites_below(paths)} - used
    kept = [folder for folder in sorted(others) if not any(_is_below(u, folder) for u in used)]
    hidden = list(dict.fromkeys([*secrets, *kept]))
    return [secret for secret in hidden if any(_is_below(secret, path) for path in paths)]


def check_places(files: Iterable[str | os.PathLike[str]], secrets: Iterable[str]) -> None:
    """Refuses submissions that other ones could read.

    Args:
        files: The submissions.
        secrets: Folders that are hidden.

    Raises:
        InputError: One lies where a confined process can read.
    """
    shown = visible_paths()
    hidden = hidden_paths(shown, secrets)
    for file in files:
        path = os.path.join(os.path.realpath(os.path.dirname(file)), os.path.basename(file))
        folder = next((folder for folder in shown if _is_below(path, folder)), None)
        if folder is not None and not any(_is_below(path, secret) for secret in hidden):
            raise InputError(
                f"{os.fspath(file)} lies in {folder}, which submissions can read; move it out."
            )


def without(paths: Iterable[str], hidden: Iterable[str]) -> list[str]:
    """Replaces folders that hold a hidden one by what else is in them."""
    kept = list(paths)
    for secret in hidden:
        kept = [part for path in kept for part in _split(path, secret)]
    return kept


def _split(path: str, secret: str) -> list[str]:
    if _is_below(path, secret):
        return []
    if not _is_below(secret, path):
        return [path]
    children = sorted(entry.path for entry in os.scandir(path))
    return [part for child in children for part in _split(child, secret)]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
