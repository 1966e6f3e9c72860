"""Which files a confined process can read: Python and its packages, without the grader."""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime")
_PACKAGES = ("numpy", "tensorflow", "tensorflow_probability", "tf_keras", "keras", "matplotlib")

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


def visible_paths() -> list[str]:
    """Files and folders that a confined process sees, none below another one."""
    wanted = [*_SYSTEM, sys.prefix, sys.base_prefix, *package_paths()]
    paths: list[str] = []
    for path in sorted({place for name in wanted for place in (name, os.path.realpath(name))}):
        if path != "/" and os.path.lexists(path) and not any(_is_below(path, p) for p in paths):
            paths.append(path)
    return paths


def hidden_paths(visible: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """Those of some folders that lie below visible ones."""
    paths = list(visible)
    return [secret for secret in secrets if any(_is_below(secret, path) for path in paths)]


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
