"""Writing so that a reader sees the whole new file or the old one, and one process at a time."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tfp_flows.errors import InputError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None


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


class Claim:
    """The right to write into a folder, of one process at a time.

    The system takes it back when the process ends, however it ends.
    """

    def __init__(self, folder: Path):
        self._folder, self._descriptor = folder, None

    def __enter__(self):
        self.take()
        return self

    def __exit__(self, *_):
        if self._descriptor is not None:
            os.close(self._descriptor)

    def take(self) -> None:
        """Claims the folder once it exists.

        Raises:
            InputError: If another process has claimed it.
        """
        if fcntl is None or self._descriptor is not None or not self._folder.is_dir():
            return
        with contextlib.suppress(OSError):  # unreadable: whatever is done there says so
            self._descriptor = os.open(self._folder, os.O_RDONLY)
        if self._descriptor is None:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"Another process is writing into {self._folder}; wait for its end, or choose "
                "another folder."
            ) from None
        except OSError:  # a file system without locks
            pass
