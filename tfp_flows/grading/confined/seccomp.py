"""A filter of system calls: no new processes or programs, no signals to others, no sockets.

Threads are allowed, because TensorFlow needs them; a bound on processes is then not needed.
"""

import ctypes
import os
import struct

from . import linux
from .calls import TABLES

_SECCOMP_SET_MODE_FILTER = 1
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000

_LOAD, _EQUAL, _BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_AT_NUMBER, _AT_ARCHITECTURE = 0, 4
_AT_ARGUMENT = (16, 24, 32, 40)

# F_SETOWN, F_SETSIG and F_SETOWN_EX (and the two calls of ioctl that do the same) have signals
# sent to any process of the same user; F_SETLEASE makes others wait for a file.
# F_SETPIPE_SZ makes a pipe hold more of the kernel's memory.
_FCNTL = (8, 10, 15, 1024, 1031)
_IOCTL = (0x8901, 0x8902)
_PR_SET_PDEATHSIG = 1
# What is mapped so stays in memory after most of it was unmapped, and counts for nobody.
_MAP_SHARED = 1
_OPEN_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

Code = list[tuple[int, int, int, int]]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def restrict(*, writes: bool) -> bool:
    """Installs the filter, for good; ``no_new_privileges`` must come first.

    Args:
        writes: Whether files may be written; other walls must then say which.

    Returns:
        Whether this machine can do it.
    """
    table = TABLES.get(os.uname().machine)
    if table is None:
        return False
    code = _program(table, os.getpid(), writes)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    try:
        linux.syscall(
            table["seccomp"], _SECCOMP_SET_MODE_FILTER, ctypes.c_uint(0), ctypes.byref(program)
        )
    except OSError:
        return False
    return True


def _program(table: dict, process: int, writes: bool) -> bytes:
    refuse, unknown = (_RETURN, 0, 0, _REFUSE | _EPERM), (_RETURN, 0, 0, _REFUSE | _ENOSYS)
    # A foreign architecture would have other numbers; so has the x32 bit of x86_64.
    code: Code = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_EQUAL, 1, 0, table["architecture"]),
        refuse,
        (_LOAD, 0, 0, _AT_NUMBER),
        (_BIT, 0, 1, 0x40000000),
        refuse,
    ]
    for number in [*table["refused"].values(), *(() if writes else table["writing"].values())]:
        code += [(_EQUAL, 0, 1, number), refuse]
    # Their arguments lie in memory, where a filter cannot see them; others do the same.
    for number in (table["clone3"], *(() if writes else [table["openat2"]])):
        code += [(_EQUAL, 0, 1, number), unknown]
    code += _rule(table["clone"], 0, [(_BIT, 1, 0, _CLONE_THREAD), refuse])
    for number in table["own"].values():
        code += _rule(number, 0, [(_EQUAL, 1, 0, process), refuse])
    for number in table["own_or_zero"].values():
        code += _rule(number, 0, [(_EQUAL, 2, 0, process), (_EQUAL, 1, 0, 0), refuse])
    code += _rule(table["prctl"], 0, [(_EQUAL, 0, 1, _PR_SET_PDEATHSIG), refuse])
    code += _rule(table["mmap"], 3, [(_BIT, 0, 1, _MAP_SHARED), refuse])
    for name, values in (("fcntl", _FCNTL), ("ioctl", _IOCTL)):
        tests = [step for value in values for step in ((_EQUAL, 0, 1, value), refuse)]
        code += _rule(table[name], 1, tests)
    if not writes:
        for name, argument in (("open", 1), ("openat", 2)):
            if table[name] is not None:
                code += _rule(table[name], argument, [(_BIT, 0, 1, _OPEN_TO_WRITE), refuse])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in code)


def _rule(number: int, argument: int, tests: Code) -> Code:
    """Looks at an argument of one call: allows it if no test refuses."""
    body = [(_LOAD, 0, 0, _AT_ARGUMENT[argument]), *tests, (_RETURN, 0, 0, _ALLOW)]
    return [(_EQUAL, 0, len(body), number), *body]
