"""The system calls that a submission may make: numbers for each kind of processor, and rules.

What is not listed is refused. Listed is what Python, NumPy and TensorFlow ask for, and what reaches
nothing but the process itself: no sockets or queues, no locks, nothing that asks which files
are in memory or puts them out of it, nothing about another process.
"""

import os

# Name: number on x86_64, on aarch64; None where there is none.
_Numbers = dict[str, tuple[int | None, int | None]]

ALWAYS: _Numbers = {
    # open descriptors
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "lseek": (8, 62), "pread64": (17, 67),
    "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "close_range": (436, 436), "recvfrom": (45, 207),
    "pipe": (22, None), "pipe2": (293, 59), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72),
    # files: their contents are kept by other walls. TensorFlow ends the process if it cannot read
    # the link to its own program.
    "readlink": (89, None), "readlinkat": (267, 78),
    "stat": (4, None), "lstat": (6, None), "fstat": (5, 80), "newfstatat": (262, 79),
    "statx": (332, 291), "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439),
    "getdents": (78, None), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49),
    "fchdir": (81, 50), "umask": (95, 166),
    # own memory and threads. A futex reaches whoever waits at the same page of a file, but C++
    # guards its statics by futexes that are not private: runs must not be side by side that may
    # not tell each other something.
    "brk": (12, 214), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "membarrier": (324, 283), "exit": (60, 93), "exit_group": (231, 94),
    "sched_yield": (24, 124), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "getcpu": (309, 168), "futex": (202, 98), "set_robust_list": (273, 99),
    "rseq": (334, 293), "arch_prctl": (158, None), "restart_syscall": (219, 128),
    # own signals and time
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136), "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132), "pause": (34, None), "alarm": (37, None),
    "getitimer": (36, 102), "setitimer": (38, 103), "time": (201, None),
    "gettimeofday": (96, 169), "nanosleep": (35, 101), "times": (100, 153),
    # what it is and where
    "sysinfo": (99, 179), "uname": (63, 160), "getrandom": (318, 278), "getrlimit": (97, 163),
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getpgrp": (111, None),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158),
}  # fmt: skip

# Where there are no files but a view and a scratch folder of its own.
WRITING: _Numbers = {
    "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "unlink": (87, None), "unlinkat": (263, 35), "truncate": (76, 45), "ftruncate": (77, 46),
    "creat": (85, None), "fallocate": (285, 47), "chmod": (90, None), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "utime": (132, None),
    "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
    "fsync": (74, 82), "fdatasync": (75, 83),
}  # fmt: skip

# Allowed or not by an argument.
RULED: _Numbers = {
    "open": (2, None), "openat": (257, 56), "mmap": (9, 222), "madvise": (28, 233),
    "clone": (56, 220), "kill": (62, 129), "tgkill": (234, 131),
    "prlimit64": (302, 261), "sched_getaffinity": (204, 123), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "fcntl": (72, 25),
    "ioctl": (16, 29), "prctl": (157, 167), "sendto": (44, 206),
}  # fmt: skip

# Which side of the tables above is a processor's, and how the kernel calls it.
PROCESSORS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
SECCOMP = (317, 277)
# From here on libraries know that a kernel may lack a call, and do without.
FIRST_OPTIONAL = 424

# Values that an argument may have: which argument, which values.
CHOICES = {
    # The rest locks, has signals sent, or sizes what the kernel keeps:
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC.
    "fcntl": (1, (0, 1, 2, 3, 1030)),
    # TCGETS, TCGETS2, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
    "ioctl": (1, (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # Nothing that merges pages or moves those of files: NORMAL, RANDOM, SEQUENTIAL, DONTNEED,
    # FREE, HUGEPAGE, NOHUGEPAGE, DONTDUMP, DODUMP, WIPEONFORK.
    "madvise": (2, (0, 1, 2, 4, 8, 14, 15, 16, 17, 18)),
    # PR_SET_NAME, PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_SET_VMA (malloc names its memory).
    "prctl": (0, (15, 16, 39, 0x53564D41)),
}  # fmt: skip

# Bits that an argument must not have.
_OTHERS_CLOCK = 1 << 31  # of a process or a device, by number
# Shared memory stays when most of it was unmapped, and counts for nobody; of huge pages all
# processes have a few together.
_MAP_SHARED, _MAP_HUGETLB = 1, 0x40000
BARRED = {
    "clock_gettime": (0, _OTHERS_CLOCK),
    "clock_getres": (0, _OTHERS_CLOCK),
    "clock_nanosleep": (0, _OTHERS_CLOCK),
    "mmap": (3, _MAP_SHARED | _MAP_HUGETLB),
}
OPEN_FLAGS = {"open": 1, "openat": 2}
TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
