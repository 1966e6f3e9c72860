"""Ray: the cluster that RAY_ADDRESS names, or one of this machine while it is needed."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from types import ModuleType

from tfp_flows.errors import InputError

ADDRESS = "RAY_ADDRESS"
# What a process of TensorFlow's is told by its environment, on whichever machine it runs.
_TOLD = ("TF_", "TFP_", "XLA_", "KERAS_")
# The least that Ray takes: nothing large travels through it.
_STORE = 80 * 2**20


def imported() -> ModuleType:
    """The package Ray.

    Raises:
        InputError: If it is not installed.
    """
    try:
        import ray
    except ImportError:
        raise InputError('--engine ray needs Ray; pip install "tfp-flows[ray]".') from None
    return ray


@contextlib.contextmanager
def connected(processes: int) -> Iterator[ModuleType]:
    """Connects to the cluster of ``RAY_ADDRESS``, or starts one on this machine and ends it.

    Results are to be printed to what was standard output before.

    Args:
        processes: How many will work side by side: so many processors a cluster of this
            machine's own offers.

    Raises:
        InputError: If Ray is not installed, or there is no cluster at the address.
    """
    ray = imported()
    address = os.environ.get(ADDRESS, "").strip()
    if address.startswith("ray://"):
        raise InputError(
            f"{ADDRESS} is {address}, for clients outside of a cluster; start the command on a "
            f"machine of the cluster, with {ADDRESS}=auto."
        )
    with contextlib.ExitStack() as around:
        # To standard output Ray prints pages about lost machines, between the results.
        nowhere = around.enter_context(open(os.devnull, "w"))
        around.enter_context(contextlib.redirect_stdout(nowhere))
        around.callback(ray.shutdown)
        _begin(ray, address, processes)
        yield ray


def _begin(ray: ModuleType, address: str, processes: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        try:
            _reach(address)
            ray.init(address=address, **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            first = str(error).strip().partition("\n")[0].rstrip(".")
            raise InputError(
                f"No cluster of Ray's to work on at {ADDRESS}={address}: {first}; start one by "
                f"'ray start --head', or unset {ADDRESS} to work on this machine."
            ) from None
    else:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address="local",
            num_cpus=processes,
            include_dashboard=False,
            object_store_memory=_STORE,
            **quiet,
        )


def machines(ray: ModuleType) -> int:
    """How many the cluster has."""
    return max(1, sum(node["Alive"] for node in ray.nodes()))


def _reach(address: str) -> None:
    """Raises at once where Ray itself would try for two minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=20).close()


def told() -> dict[str, str]:
    """The part of the environment that processes on other machines are given."""
    return {name: value for name, value in os.environ.items() if name.startswith(_TOLD)}


def enter(folder: str, environment: dict[str, str]) -> None:
    """Makes a process of Ray's one like that of the user.

    Args:
        folder: Where the user is; relative paths start there.
        environment: What `told` gave.

    Raises:
        InputError: If the machine has no such folder.
    """
    os.environ.update(environment)
    try:
        os.chdir(folder)
    except OSError as error:
        raise InputError(
            f"Ray's machine {os.uname().nodename} has no folder {folder} ({error.strerror}); data "
            "and --out must lie where all machines see them by the same path."
        ) from None
