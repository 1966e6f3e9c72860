"""Chooses the strongest walls that this machine offers, and says what they are."""

import dataclasses
import os
import shutil
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tfp_flows.grading import visible

_FIRST_USER = 61184  # the range that systemd keeps for users that exist only for a while
_KEPT_AS_ROOT = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL")

_KEPT_BY_KERNEL = 16 << 20  # in the descriptors that a run may have open


@dataclasses.dataclass(frozen=True)
class Isolation:
    """A way of running untrusted code.

    Attributes:
        bubblewrap: Path of ``bwrap`` to run everything in; None does without.
        namespaces: Each run gets files, processes and network of its own.
        user: As root, each run becomes a user without rights.
        secrets: Folders that no run may see.
    """

    bubblewrap: str | None
    namespaces: bool
    user: bool
    secrets: tuple[str, ...] = dataclasses.field(default_factory=lambda: tuple(visible.copies()))

    @property
    def shares_processes(self) -> bool:
        """Whether one run could see another one, so that none may follow in the same place."""
        return self.bubblewrap is not None and not self.namespaces


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds on one run of a submission.

    Attributes:
        seconds: Wall time of one try at an item.
        total_seconds: Wall time of a whole submission; each item keeps a part of it.
        memory: Bytes in use, counting the scratch folder and what the kernel keeps for pipes,
            sockets and threads.
        address_space: Bytes of address space; TensorFlow alone takes 2 GB.
        file_size: Bytes of a file, and of the scratch folder. Where the walls hold no folder of
            their own, nothing can be written at all.
    """

    seconds: float = 20.0
    total_seconds: float = 120.0
    memory: int = 1_400_000_000
    address_space: int = 5 << 30
    file_size: int = 16 << 20


def candidates() -> list[Isolation]:
    """Ways to try, the strongest first."""
    root = os.getuid() == 0
    # In a root of its own, a run sees Python below new folders that all can pass through.
    user = root and closed_folder(visible.visible_paths()) is None
    reached = root and closed_folder() is None
    ways = [Isolation(None, True, user), Isolation(None, False, reached)]
    bubblewrap = shutil.which("bwrap")
    if bubblewrap:
        ways = [Isolation(bubblewrap, True, user), Isolation(bubblewrap, False, user), *ways]
    return ways


def closed_folder(tops: Collection[str] = ()) -> str | None:
    """The first folder on the way to Python or its packages that is closed to other users.

    Args:
        tops: Folders above which the way does not matter.
    """
    library = os.path.dirname(os.__file__)
    for place in {*visible.package_paths(), library, os.path.realpath(library)}:
        wanted = stat.S_IROTH | stat.S_IXOTH
        for folder in (place, *map(str, Path(place).parents)):
            if os.stat(folder).st_mode & wanted != wanted:
                return folder
            if folder in tops:
                break
            wanted = stat.S_IXOTH
    return None


def common_settings(isolation: Isolation) -> dict[str, Any]:
    """What all runs share: which files they see, and where the packages are."""
    shown = visible.visible_paths()
    hidden = visible.hidden_paths(shown, isolation.secrets)
    return {
        "paths": visible.package_paths(),
        "view": {
            "namespaces": isolation.namespaces,
            "visible": shown,
            "hidden": hidden,
            "readable": [] if isolation.namespaces else visible.without(shown, hidden),
            "secrets": list(isolation.secrets),
            "enclosed": isolation.bubblewrap is not None,
        },
    }


def run_of(isolation: Isolation, limits: Limits, slot: int) -> dict[str, Any]:
    """The bounds on one run.

    Args:
        isolation: The way.
        limits: Its bounds.
        slot: Number of the run among those at the same time.
    """
    return {
        # The folder counts whether it is filled or not: nobody can look into it from outside.
        "resident": limits.memory - limits.file_size - _KEPT_BY_KERNEL,
        "bounds": {
            "user": _FIRST_USER + slot if isolation.user else None,
            "memory": limits.address_space,
            "file_size": limits.file_size,
            "cpu": int(limits.seconds) + 5,
        },
    }


def bubblewrap_command(isolation: Isolation, environment: dict[str, str]) -> list[str]:
    """The command that runs another one inside of bubblewrap; empty without it."""
    if isolation.bubblewrap is None:
        return []
    shown = visible.visible_paths()
    command = [isolation.bubblewrap, "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--new-session", "--clearenv"]
    if os.getuid() == 0:
        for capability in _KEPT_AS_ROOT:  # for the walls of each run; it gives them up there
            command += ["--cap-add", capability]
    else:
        command.append("--unshare-user")
    command += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for path in shown:
        command += _binding(path)
    for path in visible.hidden_paths(shown, isolation.secrets):
        command += ["--tmpfs", path]
    command += ["--ro-bind", visible.CONFINED, visible.CONFINED, "--chdir", "/"]
    for name, value in environment.items():
        command += ["--setenv", name, value]
    return [*command, "--"]


def _binding(path: str) -> list[str]:
    if os.path.islink(path):
        return ["--symlink", os.readlink(path), path]
    return ["--ro-bind", path, path]
