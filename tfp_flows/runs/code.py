"""Objects in Python files of a user's own."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError


def split(place: str, what: str) -> tuple[Path, str]:
    """The file and the name in ``file.py:name``; the path becomes absolute.

    Args:
        place: The text.
        what: A name as one would write it, for errors.

    Raises:
        InputError: If it has no name, or there is no such file.
    """
    file, separator, name = place.rpartition(":")
    if not separator or not name.isidentifier():
        raise InputError(
            f"{place} names nothing in a file; give file.py:name, as {file or place}:{what}."
        )
    path = Path(file).resolve()
    if not path.is_file():
        raise InputError(f"There is no file {path}; give file.py:name.")
    return path, name


def read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error


def load(path: Path, name: str) -> Any:
    """Runs a file, which may import what lies beside it, and returns what a name in it means.

    Raises:
        InputError: If the file does not run, or has no such name.
    """
    module_name = f"tfp_flows_of_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"{path} does not run: {said(error)}; correct it.") from error
    finally:
        sys.path.remove(str(path.parent))
    if not hasattr(module, name):
        raise InputError(f"{path} has no {name!r}; give file.py:name.")
    return getattr(module, name)


def said(error: BaseException) -> str:
    """An error of a user's code in a line."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}".rstrip(" .:")
