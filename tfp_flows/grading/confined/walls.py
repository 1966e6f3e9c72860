"""Walls around one submission, put up by its own process before it runs anything.

Each wall that the machine offers is used; `enter` returns which ones those were, and what is
weaker for those that are missing.
"""

import dataclasses
import os
import resource

from . import landlock, linux, seccomp

SCRATCH = "/tmp"
_DEVICES = ("null", "full", "random", "urandom")
_FILES_IN_SCRATCH = 4096
# TensorFlow ends the process if it cannot read its own command line. Other files there count what
# was read and mapped, which tells what of a file is in memory.
_OWN_PROCESS = ("/proc/self/cmdline", "/proc/self/maps")
_THREADS = 512
_DESCRIPTORS, _SIGNALS = 64, 256  # each open pipe and waiting signal is memory of the kernel


@dataclasses.dataclass(frozen=True)
class View:
    """Which files there are; the same for all runs.

    Attributes:
        namespaces: A root, processes, network and scratch folder of its own.
        visible: Files and folders that can be read.
        hidden: Folders below those that cannot.
        readable: The same without mounts: paths that leave out the hidden ones.
        secrets: Folders with the answers, wherever they are.
        enclosed: Whether another sandbox shows no more than these files.
    """

    namespaces: bool
    visible: list[str]
    hidden: list[str]
    readable: list[str]
    secrets: list[str]
    enclosed: bool = False


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Bounds on one run.

    Attributes:
        user: User and group to become; None keeps them. Only root can.
        memory: Most bytes of address space.
        file_size: Most bytes of a file, and of the scratch folder.
        cpu: Most seconds of processor time.
    """

    user: int | None
    memory: int
    file_size: int
    cpu: int


@dataclasses.dataclass(frozen=True)
class Standing:
    """The walls that are up.

    Attributes:
        names: Which these are.
        weaker: What is weaker than it could be.
        serious: The part of that which must not be, unless whoever grades says so.
    """

    names: list[str]
    weaker: list[str]
    serious: list[str]


def enter(view: View, bounds: Bounds) -> Standing:
    """Puts the walls up around this process, for good.

    Args:
        view: The files. With ``namespaces``, this process must be the first of its own namespace
            of processes, and may mount.
        bounds: The bounds.

    Raises:
        OSError: A namespace that was promised cannot be set up, or what is left would not keep
            the submission from the network, from other processes and from files.
    """
    names = []
    if view.namespaces:
        linux.unshare(
            linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
        )
        _own_root(view, bounds)
        names.append("namespaces (files, processes, network)")
        readable, writable, place = view.visible, [SCRATCH, "/dev/null"], SCRATCH
    else:
        readable, writable, place = view.readable, [], "/"
    for path in _OWN_PROCESS:
        # An open descriptor keeps the file the one that the rule of Landlock is about.
        os.open(path, os.O_PATH)
    os.chdir(place)
    os.environ["HOME"] = os.environ["TMPDIR"] = place
    _bound(view, bounds)
    if bounds.user is not None:
        os.setgroups([])
        os.setresgid(bounds.user, bounds.user, bounds.user)
        os.setresuid(bounds.user, bounds.user, bounds.user)
        names.append("a user of its own")
    linux.drop_capabilities()
    linux.no_new_privileges()
    linux.set_dumpable(False)
    linux.end_with_parent()
    devices = [f"/dev/{name}" for name in _DEVICES]
    landlocked = landlock.restrict([*readable, *devices, *_OWN_PROCESS], writable)
    if landlocked:
        names.append("Landlock")
    else:
        _do_without_landlock(view, bounds)
    filtered = seccomp.restrict(writes=view.namespaces)
    if filtered:
        names.append("seccomp")
    elif not view.namespaces:
        raise OSError("neither namespaces nor seccomp filters are to be had here")
    serious = _serious(filtered=filtered)
    return Standing([*names, "limits"], _weaker(view, landlocked=landlocked) + serious, serious)


def _weaker(view: View, *, landlocked: bool) -> list[str]:
    found = []
    if not view.namespaces and not view.enclosed:
        found.append("without namespaces sizes, times and links of any file can be asked for")
    if not landlocked:
        found.append("without Landlock counters in /proc tell which files are in memory")
    return found


def _serious(*, filtered: bool) -> list[str]:
    found = []
    if os.getuid() == 0:
        found.append("submissions run as root, and only rules keep them from its files")
    if not filtered:
        found.append("without seccomp, locks and questions about files in memory reach other runs")
    return found


def _do_without_landlock(view: View, bounds: Bounds) -> None:
    """Raises OSError if nothing else keeps the submission from files."""
    if bounds.user is None and os.getuid() == 0:
        raise OSError("root keeps rights on files without Landlock or a user of its own")
    if view.namespaces:
        return
    if bounds.user is None:
        raise OSError("neither namespaces, Landlock nor a user of its own are to be had here")
    for folder in view.secrets:
        if os.access(folder, os.R_OK) or os.access(folder, os.X_OK):
            raise OSError(f"everybody may read {folder}, and Landlock is not to be had here")


def _bound(view: View, bounds: Bounds) -> None:
    limits = {
        "CORE": 0,
        "AS": bounds.memory,
        "FSIZE": bounds.file_size if view.namespaces else 0,
        "CPU": bounds.cpu,
        "NOFILE": _DESCRIPTORS,
        "SIGPENDING": _SIGNALS,
        "MSGQUEUE": 0,
        "MEMLOCK": 1 << 16,
    }
    if bounds.user is not None:  # else the user's other processes would count
        limits["NPROC"] = _THREADS
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(number)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (bound, bound))


def _own_root(view: View, bounds: Bounds) -> None:
    """Builds a root of the visible paths, read-only, with an empty scratch folder."""
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    # Through a stage, so that the old root is at /old whole, also what lies in its /tmp.
    linux.mount("tmpfs", SCRATCH, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    os.mkdir(f"{SCRATCH}/old")
    os.mkdir(f"{SCRATCH}/new")
    linux.pivot_root(SCRATCH, f"{SCRATCH}/old")
    os.chdir("/")
    linux.mount("tmpfs", "/new", "tmpfs", linux.MS_NOSUID, "size=1m,mode=755")
    os.mkdir("/new/tmp")
    options = f"size={bounds.file_size},nr_inodes={_FILES_IN_SCRATCH},mode=1777"
    linux.mount("tmpfs", "/new/tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
    for path in view.visible:
        _show(path)
    for path in view.hidden:
        if os.path.isdir(f"/new{path}"):
            linux.mount("tmpfs", f"/new{path}", "tmpfs", linux.MS_RDONLY, "size=4k,mode=755")
    for name in _DEVICES:
        _show(f"/dev/{name}", device=True)
    os.mkdir("/new/proc")
    # TensorFlow needs it. It is refused where the machine hides parts of its own /proc.
    quiet = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_RDONLY
    try:  # without counters of the whole machine
        linux.mount("proc", "/new/proc", "proc", quiet, "subset=pid")
    except OSError:  # before Linux 5.8
        linux.mount("proc", "/new/proc", "proc", quiet)
    linux.pivot_root("/new", "/new/tmp")
    os.chdir("/")
    linux.detach("/tmp")
    linux.mount(None, "/", None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY)


def _show(path: str, *, device: bool = False) -> None:
    """Binds a path of the old root at the same place of the new one."""
    source, target = f"/old{path}", f"/new{path}"
    if os.path.lexists(target) or not os.path.lexists(source):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    linux.mount(source, target, None, linux.MS_BIND | linux.MS_REC)
    if not device:
        linux.make_read_only(target)
