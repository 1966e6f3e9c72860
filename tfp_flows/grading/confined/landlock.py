"""Landlock: a process may open only what it is allowed to, with no privilege needed.

From Linux 5.13. Newer kernels also forbid TCP and signals to processes outside.
"""

import ctypes
import os
import stat
from collections.abc import Iterable

from . import linux

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ_FILE | _TRUNCATE | _IOCTL
# Rights on files known to each version of the interface, from the first.
_RIGHTS = (13, 14, 15, 15, 16)
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_TCP = 3  # bind, connect
_SCOPES = 3  # abstract Unix sockets, signals


class _Ruleset(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("files", "network", "scopes"))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Version of the interface; 0 where the kernel has none."""
    try:
        return linux.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Restricts this process, for good, to some paths and all below them.

    ``no_new_privileges`` must come first.

    Args:
        readable: May be read. Paths that do not exist are passed over.
        writable: May be read and written.

    Returns:
        Whether the kernel can do it.
    """
    known = version()
    if known == 0:
        return False
    rights = (1 << _RIGHTS[min(known, len(_RIGHTS)) - 1]) - 1
    ruleset = _Ruleset(rights)
    size = 8
    if known >= _NETWORK_SINCE:
        ruleset.network, size = _TCP, 16
    if known >= _SCOPES_SINCE:
        ruleset.scopes, size = _SCOPES, 24
    descriptor = linux.syscall(
        _CREATE, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    try:
        for path in readable:
            _allow(descriptor, path, _READ_FILE | _READ_DIR | _EXECUTE)
        for path in writable:
            _allow(descriptor, path, rights & ~_IOCTL)
        linux.syscall(_RESTRICT, descriptor, ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
    return True


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            rights &= _ON_FILES
        rule = _Beneath(rights, parent)
        linux.syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(parent)
