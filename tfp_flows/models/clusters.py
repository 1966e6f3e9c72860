"""The strategy of a training: this process' devices, or the workers that TF_CONFIG names."""

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.models.workers import Workers

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")


class Cluster(NamedTuple):
    """What TF_CONFIG says: addresses of all workers, the chief's first, and which is this one."""

    addresses: tuple[str, ...]
    index: int


def cluster_of(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """The workers that ``TF_CONFIG`` names; None where it is not set, or names one.

    Raises:
        InputError: If it is no JSON, lacks what TensorFlow needs, or has an address that is none.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    form = (
        'like {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    )
    try:
        config = json.loads(text)
    except ValueError as error:
        raise InputError(f"{VARIABLE} is not JSON ({error}); set it {form}.") from None
    parts = [config.get(name) if isinstance(config, dict) else None for name in ("cluster", "task")]
    if not all(isinstance(part, dict) for part in parts):
        raise InputError(f"{VARIABLE} lacks a cluster or a task; set it {form}.")
    cluster, task = parts
    if other := sorted(set(cluster) - {*_JOBS}):
        raise InputError(
            f"{VARIABLE} has a job {other[0]!r}; flows train on workers, and a chief if need be."
        )
    for job, listed in cluster.items():
        if not isinstance(listed, list):
            raise InputError(
                f"{VARIABLE} has {listed!r} as the addresses of its {job}; set it {form}."
            )
    if len(cluster.get("chief", [])) > 1:
        raise InputError(f"{VARIABLE} has {len(cluster['chief'])} chiefs; one is enough.")
    addresses = tuple(address for job in _JOBS for address in cluster.get(job, []))
    for address in addresses:
        _check_address(address)
    if len(set(addresses)) < len(addresses):
        raise InputError(f"{VARIABLE} has an address twice; each worker needs its own.")
    job, index = task.get("type"), task.get("index")
    of_job = cluster.get(job, []) if isinstance(job, str) else []
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(of_job):
        raise InputError(
            f"{VARIABLE} has the task {job} {index}, which is none of its cluster; set it {form}."
        )
    if len(addresses) == 1:
        return None
    return Cluster(addresses, index + (len(cluster.get("chief", [])) if job == "worker" else 0))


def _check_address(address) -> None:
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    try:
        # As the look-up of a name does, which fails so for empty parts and long ones.
        plain = bool(host.encode("idna"))
    except UnicodeError:
        plain = False
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
    if not plain or not 1 <= number <= 65535:
        raise InputError(
            f"{VARIABLE} has the address {address!r}; write it host:port, with a port from 1 to "
            "65535."
        )


def meet(cluster: Cluster, wait: float) -> None:
    """Waits until all workers are there, which TensorFlow itself would do forever.

    Args:
        cluster: The workers.
        wait: Most seconds.

    Raises:
        InputError: If the port of this one is in use, or another one does not come.
    """
    port = int(cluster.addresses[cluster.index].rpartition(":")[2])
    until, missing = time.monotonic() + wait, set(cluster.addresses)
    missing.discard(cluster.addresses[cluster.index])
    with socket.socket() as own:
        # As TensorFlow's own server after it: what lingers of an earlier run is no hindrance.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind(("", port))
            own.listen(128)
        except OSError as error:
            raise InputError(
                f"Worker {cluster.index} cannot listen on port {port}: {error.strerror}; end what "
                f"has it, or write another port into {VARIABLE} of all workers."
            ) from None
        while missing:
            for address in sorted(missing):
                host, _, number = address.rpartition(":")
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection((host.strip("[]"), int(number)), timeout=2),
                ):
                    missing.discard(address)
            if missing and time.monotonic() > until:
                raise InputError(
                    f"Worker {cluster.index} has waited {wait:.0f} s for "
                    f"{', '.join(sorted(missing))}; start all workers, and see that they reach "
                    "each other."
                )
            time.sleep(0.1 if missing else 0.5)  # those that come last must find this one


def training_strategy(
    devices: int | str | None = None, *, wait: float = 600
) -> tf.distribute.Strategy:
    """What a `FlowModel` is built and trained under, by its ``scope()``.

    Where ``TF_CONFIG`` names several workers, this process joins them; call it before anything
    else of TensorFlow runs. Else it is the devices of this process.

    Args:
        devices: How many; ``"all"`` GPUs that are there, or, without one, the processor. On a
            machine without GPUs a number splits the processor into as many parts, which is for
            trials. None is one device, whichever TensorFlow takes, or all GPUs of a worker.
        wait: Most seconds to wait for the other workers.

    Raises:
        InputError: If ``TF_CONFIG`` will not do, a port is in use, a worker does not come or has
            other versions, or there are fewer devices.
    """
    if devices not in (None, "all") and (
        isinstance(devices, bool) or not isinstance(devices, int) or devices < 1
    ):
        raise InputError(f"devices is {devices!r}; give a number above 0, or 'all'.")
    cluster = cluster_of()
    if cluster is not None:
        if isinstance(devices, int) and devices > 1:
            raise InputError(
                f"{VARIABLE} names {len(cluster.addresses)} workers, which each take all of their "
                f"GPUs; leave devices={devices} out, and hide GPUs by CUDA_VISIBLE_DEVICES."
            )
        meet(cluster, wait)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        Workers(strategy).check_same({})
        return strategy
    if devices is None:
        return tf.distribute.get_strategy()
    names = [device.name for device in _devices(devices)]
    names = names if devices == "all" else names[:devices]
    return (
        tf.distribute.get_strategy() if len(names) == 1 else tf.distribute.MirroredStrategy(names)
    )


def _devices(devices) -> list:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU" and devices != "all" and devices > 1:
        part = tf.config.LogicalDeviceConfiguration()
        with contextlib.suppress(RuntimeError):  # TensorFlow runs already
            tf.config.set_logical_device_configuration(
                tf.config.list_physical_devices("CPU")[0], [part] * devices
            )
    found = tf.config.list_logical_devices(kind)
    if devices != "all" and len(found) < devices:
        raise InputError(
            f"{devices} devices were asked for, and there are {len(found)} of kind {kind}; ask for "
            "fewer, or before TensorFlow runs anything else."
        )
    return found
