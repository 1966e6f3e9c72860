"""A filter of system calls: no new processes or programs, no signals to others, no sockets.

Threads are allowed, because TensorFlow needs them; a bound on processes is then not needed.
"""

import ctypes
import os
import struct

from . import linux

_SECCOMP_SET_MODE_FILTER = 1
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000

_LOAD, _EQUAL, _BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST = 0, 4, 16

# The numbers of the calls: architecture, seccomp itself, calls refused, calls refused unless
# their first argument is this process, and clone and clone3.
_TABLES = {
    "x86_64": {
        "architecture": 0xC000003E,
        "seccomp": 317,
        "refused": {
            "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "ptrace": 101,
            "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
            "socket": 41, "connect": 42, "bind": 49, "listen": 50, "accept": 43, "accept4": 288,
            "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
            "pidfd_send_signal": 424, "pidfd_open": 434, "pidfd_getfd": 438,
            "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272,
            "setns": 308, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
            "mount_setattr": 442, "open_by_handle_at": 304, "name_to_handle_at": 303,
            "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425,
            "io_uring_enter": 426, "io_uring_register": 427, "memfd_create": 319,
            "memfd_secret": 447, "keyctl": 250, "add_key": 248, "request_key": 249,
            "shmget": 29, "shmat": 30, "semget": 64, "msgget": 68, "mq_open": 240,
            "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246,
            "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179,
            "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "personality": 135,
            "sethostname": 170, "setdomainname": 171, "syslog": 103, "modify_ldt": 154,
        },
        "own": {"kill": 62, "tgkill": 234},
        "own_or_zero": {"prlimit64": 302},
        "clone": 56,
        "clone3": 435,
    },
    "aarch64": {
        "architecture": 0xC00000B7,
        "seccomp": 277,
        "refused": {
            "execve": 221, "execveat": 281, "ptrace": 117, "process_vm_readv": 270,
            "process_vm_writev": 271, "kcmp": 272, "socket": 198, "connect": 203, "bind": 200,
            "listen": 201, "accept": 202, "accept4": 242, "tkill": 130, "rt_sigqueueinfo": 138,
            "rt_tgsigqueueinfo": 240, "pidfd_send_signal": 424, "pidfd_open": 434,
            "pidfd_getfd": 438, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
            "unshare": 97, "setns": 268, "open_tree": 428, "move_mount": 429, "fsopen": 430,
            "fsmount": 432, "mount_setattr": 442, "open_by_handle_at": 265,
            "name_to_handle_at": 264, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
            "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
            "memfd_create": 279, "memfd_secret": 447, "keyctl": 219, "add_key": 217,
            "request_key": 218, "shmget": 194, "shmat": 196, "semget": 190, "msgget": 186,
            "mq_open": 180, "init_module": 105, "finit_module": 273, "delete_module": 106,
            "kexec_load": 104, "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89,
            "quotactl": 60, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171,
            "personality": 92, "sethostname": 161, "setdomainname": 162, "syslog": 116,
        },
        "own": {"kill": 129, "tgkill": 131},
        "own_or_zero": {"prlimit64": 261},
        "clone": 220,
        "clone3": 435,
    },
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def restrict() -> bool:
    """Installs the filter, for good; ``no_new_privileges`` must come first.

    Returns:
        Whether this machine can do it.
    """
    table = _TABLES.get(os.uname().machine)
    if table is None:
        return False
    code = _program(table, os.getpid())
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    try:
        linux.syscall(
            table["seccomp"], _SECCOMP_SET_MODE_FILTER, ctypes.c_uint(0), ctypes.byref(program)
        )
    except OSError:
        return False
    return True


def _program(table: dict, process: int) -> bytes:
    refuse, unknown = _REFUSE | _EPERM, _REFUSE | _ENOSYS
    # A foreign architecture would have other numbers; so has the x32 bit of x86_64.
    code = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_EQUAL, 1, 0, table["architecture"]),
        (_RETURN, 0, 0, refuse),
        (_LOAD, 0, 0, _AT_NUMBER),
        (_BIT, 0, 1, 0x40000000),
        (_RETURN, 0, 0, refuse),
    ]
    for number in table["refused"].values():
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    code += [(_EQUAL, 0, 1, table["clone3"]), (_RETURN, 0, 0, unknown)]
    code += [
        (_EQUAL, 0, 4, table["clone"]),
        (_LOAD, 0, 0, _AT_FIRST),
        (_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for number in table["own"].values():
        code += _only_with_first(number, [process], refuse)
    for number in table["own_or_zero"].values():
        code += _only_with_first(number, [process, 0], refuse)
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in code)


def _only_with_first(number: int, allowed: list[int], refuse: int) -> list[tuple]:
    tests = [(_EQUAL, len(allowed) - index, 0, value) for index, value in enumerate(allowed)]
    body = [(_LOAD, 0, 0, _AT_FIRST), *tests, (_RETURN, 0, 0, refuse), (_RETURN, 0, 0, _ALLOW)]
    return [(_EQUAL, 0, len(body), number), *body]
