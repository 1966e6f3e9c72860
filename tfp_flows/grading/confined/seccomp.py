"""A filter of system calls: those on a list are allowed, and nothing else.

Threads are allowed, because TensorFlow needs them; a bound on processes is then not needed.
"""

import ctypes
import os
import struct

from . import calls, linux

_SET_MODE_FILTER = 1
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_AT_NUMBER, _AT_PROCESSOR, _AT_ARGUMENTS = 0, 4, 16

Code = list[tuple[int, int, int, int]]
_ALLOWED = (_RETURN, 0, 0, _ALLOW)
_REFUSED, _UNKNOWN = (_RETURN, 0, 0, _REFUSE | _EPERM), (_RETURN, 0, 0, _REFUSE | _ENOSYS)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def restrict(*, writes: bool) -> bool:
    """Installs the filter, for good; ``no_new_privileges`` must come first.

    Args:
        writes: Whether files may be written; other walls must then say which.

    Returns:
        Whether this machine can do it.
    """
    machine = os.uname().machine
    if machine not in calls.PROCESSORS:
        return False
    code = program(machine, os.getpid(), writes=writes)
    text = b"".join(struct.pack("=HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(text, len(text))
    filled = _Program(len(code), ctypes.cast(buffer, ctypes.c_void_p))
    number = calls.SECCOMP[calls.PROCESSORS[machine][0]]
    try:
        linux.syscall(number, _SET_MODE_FILTER, ctypes.c_uint(0), ctypes.byref(filled))
    except OSError:
        return False
    return True


def program(machine: str, process: int, *, writes: bool) -> Code:
    """The filter, as code, jumps and value of each instruction.

    Args:
        machine: A kind of processor, of `calls.PROCESSORS`.
        process: Number of the process that it is for.
        writes: As for `restrict`.
    """
    side, processor = calls.PROCESSORS[machine]
    code: Code = [
        # Another kind of processor would have other numbers; so has the x32 bit of x86_64.
        (_LOAD, 0, 0, _AT_PROCESSOR),
        (_EQUAL, 1, 0, processor),
        _REFUSED,
        (_LOAD, 0, 0, _AT_NUMBER),
        (_BIT, 0, 1, _X32),
        _REFUSED,
    ]
    for numbers in (calls.ALWAYS, calls.WRITING if writes else {}):
        for pair in numbers.values():
            if pair[side] is not None:
                code += [(_EQUAL, 0, 1, pair[side]), _ALLOWED]
    for name, tests in _rules(process, writes).items():
        number = calls.RULED[name][side]
        if number is not None:
            code += [(_EQUAL, 0, len(tests), number), *tests]
    # clone3 and openat2 are among those that libraries do without: their arguments lie in memory,
    # where a filter cannot see them.
    return [*code, (_AT_LEAST, 0, 1, calls.FIRST_OPTIONAL), _UNKNOWN, _REFUSED]


def _rules(process: int, writes: bool) -> dict[str, Code]:
    """What decides on each call of `calls.RULED`."""
    own = [(_EQUAL, 0, 1, process), _ALLOWED]
    rules = {
        "clone": [_argument(0), (_BIT, 0, 1, _CLONE_THREAD), _ALLOWED, _REFUSED],
        "kill": [_argument(0), *own, _REFUSED],
        "tgkill": [_argument(0), *own, _REFUSED],
        "prlimit64": [_argument(0), *own, *_one_of((0,)), _REFUSED],
        "sched_getaffinity": [_argument(0), *own, *_one_of((0,)), _REFUSED],
        # To nobody but the other end: no address, in either half of the pointer.
        "sendto": [
            *(_argument(4), (_EQUAL, 1, 0, 0), _REFUSED),
            *(_argument(4, high=True), (_EQUAL, 1, 0, 0), _REFUSED),
            _ALLOWED,
        ],
    }
    for name, (place, values) in calls.CHOICES.items():
        rules[name] = [_argument(place), *_one_of(values), _REFUSED]
    barred = dict(calls.BARRED)
    for name, place in calls.OPEN_FLAGS.items():
        barred[name] = (place, 0 if writes else calls.TO_WRITE)
    for name, (place, bits) in barred.items():
        rules[name] = [_argument(place), (_BIT, 0, 1, bits), _REFUSED, _ALLOWED]
    return rules


def _argument(place: int, *, high: bool = False) -> tuple[int, int, int, int]:
    """Loads half of an argument; both kinds of processors keep the lower half first."""
    return (_LOAD, 0, 0, _AT_ARGUMENTS + 8 * place + 4 * high)


def _one_of(values: tuple[int, ...]) -> Code:
    return [step for value in values for step in ((_EQUAL, 0, 1, value), _ALLOWED)]
