"""Writing files so that a reader sees either the whole new file or the old one."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tfp_flows.errors import InputError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path that replaces ``path`` once the block has ended well.

    The temporary file lies beside the target, so that the replacement is one rename, and its
    name ends in the target's whole name, so that writers which look at the suffix
    (``.weights.h5``) see the same one. It exists, empty, when the block starts: a missing folder
    or a missing permission is found before any work is done. On success it is flushed to disk
    and takes the target's place (through a symbolic link, the place of the link's target); on
    any failure it is removed and the target is as before.

    Args:
        path: The file to write; it may exist already.

    Yields:
        The temporary path to write to.

    Raises:
        InputError: the file cannot be written: no such folder, no permission, no space left, or
            the path is a folder or a device.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"Cannot write {path}: it is a folder; give the name of a file.")
    if target.exists() and not target.is_file():
        raise InputError(f"Cannot write {path}: it is not a regular file; give another name.")
    check_folder(target)
    temporary = target.parent / f".{secrets.token_hex(4)}-{target.name}"
    try:
        # Not tempfile.mkstemp: its files are private, and the result should follow the umask.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if target.exists():
            shutil.copymode(target, temporary)
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
        with contextlib.suppress(OSError):  # some file systems cannot flush a folder
            _flush(target.parent)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Checks that the folder is there in which a path would lie.

    Raises:
        InputError: If it does not exist, or it or a folder above it is a file.
    """
    for folder in reversed(Path(os.path.abspath(path)).parents):
        if folder.exists() and not folder.is_dir():
            raise InputError(f"Cannot write {path}: {folder} is a file, not a folder.")
        if not folder.exists():
            raise InputError(f"Cannot write {path}: the folder {folder} does not exist.")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
