"""On which devices a fit trains: this process', or those of the workers of TF_CONFIG."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfp_flows.errors import InputError
from tfp_flows.runs import folder
from tfp_flows.terminal import note, silent_stderr


class Devices(NamedTuple):
    """Where a fit trains.

    Attributes:
        out: The folder that this process writes: that of the run, or, of a worker that is not the
            chief, one that nobody keeps.
        scope: Gives the context in which models are built and compiled.
        check_same: Checks that workers agree on facts, by what they are called in the error; the
            names are the same ones on every worker.
    """

    out: Path
    scope: Callable[[], Any] = contextlib.nullcontext
    check_same: Callable[[Mapping[str, Any]], None] = lambda facts: None


def on_several(scope: Callable[[], Any]) -> bool:
    """Whether a scope is that of several devices, or of workers."""
    return scope is not contextlib.nullcontext


def config_of(addresses: Sequence[str], index: int) -> str:
    """The value of TF_CONFIG of one of several workers, of which the first is the chief.

    Args:
        addresses: Each as ``host:port``.
        index: Which of them it is.
    """
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


@contextlib.contextmanager
def joined(devices: str | None, out: Path, kind: str, able: bool) -> Iterator[Devices]:
    """Joins the other workers, or takes the devices that were asked for.

    Args:
        devices: ``"all"``, a number, or None for those of TF_CONFIG, or one.
        out: Folder of the run.
        kind: Name of the kind of work.
        able: Whether it can train on several.

    Raises:
        InputError: If it cannot, TF_CONFIG will not do, a worker does not come or is gone, or there
            are fewer devices.
    """
    if devices not in (None, "all") and not devices.isdecimal():
        raise InputError(f"--devices is {devices!r}; give a number above 0, or all.")
    if devices is None and not os.environ.get("TF_CONFIG", "").strip():
        yield Devices(out)
        return
    with silent_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()
        from tfp_flows.models.clusters import cluster_of, training_strategy
        from tfp_flows.models.workers import WorkerLostError, Workers

    cluster = cluster_of()
    if not able and (cluster is not None or devices is not None):
        raise InputError(f"Fits of {kind} train on one device; leave --devices and TF_CONFIG out.")
    with contextlib.ExitStack() as around:
        place = out
        if cluster is not None and cluster.index:
            place = Path(around.enter_context(tempfile.TemporaryDirectory())) / "run"
            _copied(out, place)
        if cluster is not None:
            note(f"worker {cluster.index} of {len(cluster.addresses)}.")
        number = int(devices) if devices not in (None, "all") else devices
        strategy = training_strategy(number)
        if place is not out:
            # What all workers would say, the chief says.
            quiet = around.enter_context(open(os.devnull, "w"))
            around.enter_context(contextlib.redirect_stdout(quiet))
            around.enter_context(contextlib.redirect_stderr(quiet))
        workers = Workers(strategy)

        @contextlib.contextmanager
        def scope():
            # Variables are the chief's, so that a model cannot be built without the others.
            with workers.guarded(), strategy.scope():
                yield

        try:
            alone = strategy.num_replicas_in_sync == 1
            yield Devices(place) if alone else Devices(place, scope, workers.check_same)
        except WorkerLostError as error:
            kept = [(p / folder.STATE).exists() for p in (out, out / folder.NEW)]
            hint = " What is done is kept: give --resume." if any(kept) else ""
            raise InputError(f"{error}{hint}") from error


def _copied(out: Path, place: Path) -> None:
    """What a worker needs to go on with a fit, before the chief writes anything."""
    for source, target in ((out, place), (out / folder.NEW, place / folder.NEW)):
        for name in (folder.SETTINGS, folder.STATE):
            if (source / name).is_file():
                target.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, target / name)
