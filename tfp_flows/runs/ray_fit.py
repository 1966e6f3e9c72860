"""`fit --engine ray`: starts the workers of TF_CONFIG on Ray, and again when one is lost.

Plain actors round the fit that every worker runs anyway, not Ray Train's `TensorflowTrainer`. That
one would set TF_CONFIG and begin a lost group again as well, but has its own way of reports and
checkpoints on a storage path, beside the folder of a run; needs pydantic, fsspec, tensorboardX and
pyarrow; keeps the number of workers, where here a fit goes on with as many as there is room for;
and imports TensorFlow in the command itself too. Two workers with nothing to do were done after 0.8
s here, and after 31 and 44 s there, imports included (Ray 2.60, two busy cores, the cluster up).
"""

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.runs import ray_cluster
from tfp_flows.runs.devices import config_of
from tfp_flows.runs.ray_worker import DONE, ERR, LOST, OUT, REFUSED, Worker
from tfp_flows.runs.restarts import persevere
from tfp_flows.terminal import note

# Seconds: for processes that can begin at once, and for a cluster that is busy or grows.
_BRIEF, _LONG = 20, 600
# And for the others, once a worker has ended so: to clear their temporary folders (they write
# nothing else), to refuse the same, to see by themselves that one is gone.
_ENDING = {DONE: 5, REFUSED: 3, LOST: 45}


def fit(
    work: Callable[[bool], None], out: Path, *, workers: int | None, restarts: int, command: str
) -> None:
    """Fits on Ray.

    Args:
        work: ``(whether to go on from a state)``: what each worker does, told by TF_CONFIG who it
            is. Sent to the workers, so by reference to an importable module.
        out: Folder of the run, which all workers must see.
        workers: How many; None for one on each machine of the cluster.
        restarts: How often to begin again when one is lost.
        command: By which a user goes on.

    Raises:
        InputError: If Ray is missing or not reached, a worker finds bad input, or too many are
            lost.
    """
    streams = {OUT: sys.stdout, ERR: sys.stderr}
    with ray_cluster.connected(workers or 1) as ray:
        workers = ray_cluster.machines(ray) if workers is None else workers
        attempt = functools.partial(_attempt, ray, work, workers, streams)
        persevere(attempt, out, restarts=restarts, command=command)


def _attempt(ray: ModuleType, work, most: int, printed, again: bool) -> str | None:
    """One group of workers, until all is done (None) or one is lost (how)."""
    group, bundle = _room(ray, most, again)
    strategy = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(group)
    each = {"num_cpus": bundle["CPU"], "num_gpus": bundle.get("GPU", 0), "max_restarts": 0}
    actor = ray.remote(Worker).options(**each, scheduling_strategy=strategy)
    actors = [actor.remote() for _ in range(group.bundle_count)]
    try:
        try:
            addresses = ray.get([each.address.remote() for each in actors])
        except ray.exceptions.RayActorError:
            return "A worker was lost before it began"
        given = (str(Path.cwd()), ray_cluster.told(), functools.partial(work, again))
        streams = {
            one.run.options(num_returns="streaming").remote(config_of(addresses, index), *given): (
                index
            )
            for index, one in enumerate(actors)
        }
        return _watch(ray, streams, addresses, printed)
    finally:
        for one in actors:
            ray.kill(one)
        ray.util.remove_placement_group(group)


def _room(ray: ModuleType, workers: int, again: bool) -> tuple[Any, dict[str, float]]:
    """Room for the workers, on different machines if that can be; fewer of them when begun again.

    Raises:
        InputError: If there is none in the end.
    """
    bundle = {"CPU": 1}
    if ray.cluster_resources().get("GPU", 0) >= workers:
        bundle["GPU"] = 1
    asked = functools.partial(ray.util.placement_group, strategy="SPREAD")
    group = asked([bundle] * workers)
    if group.wait(_BRIEF):
        return group, bundle
    free = ray.available_resources()
    fewer = min(int(free.get(name, 0) / value) for name, value in bundle.items())
    if again and 0 < fewer < workers:
        smaller = asked([bundle] * fewer)
        if smaller.wait(_BRIEF):
            ray.util.remove_placement_group(group)
            note(f"Ray has room for {fewer} of {workers} workers; going on with so many.")
            return smaller, bundle
        ray.util.remove_placement_group(smaller)
    one = " and ".join(f"1 {name}" for name in bundle)
    note(f"Ray has no room for {workers} workers of {one} yet; waiting for {_LONG // 60} minutes.")
    if group.wait(_LONG):
        return group, bundle
    ray.util.remove_placement_group(group)
    raise InputError(
        f"Ray had no room for {workers} workers of {one} within {_LONG // 60} minutes; give a "
        "smaller --workers, or add machines by 'ray start --address'."
    )


def _watch(ray, streams: dict[Any, int], addresses: list[str], printed) -> str | None:
    """Prints what the workers tell, until the chief is done (None) or one is lost (how)."""
    who = [f"worker {n} on {host.rpartition(':')[0]}" for n, host in enumerate(addresses)]
    ends, until, faults = {}, float("inf"), []
    while streams and time.monotonic() < until:
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=1.0)
        for stream in ready:
            index = streams[stream]
            try:
                said = ray.get(next(stream))
            except StopIteration:
                del streams[stream]
                continue
            except ray.exceptions.RayActorError:
                if not ends or {end.what for end in ends.values()} == {LOST}:
                    return f"{who[index].capitalize()} is lost"
                del streams[stream]
                continue
            except ray.exceptions.RayTaskError as error:
                faults.append(error)  # which may come of another's loss: that is heard of soon
                until = min(until, time.monotonic() + _ENDING[LOST])
                del streams[stream]
                continue
            if said.what in printed:
                print(said.text, end="", file=printed[said.what], flush=True)
                continue
            ends[index] = said
            if said.what != DONE or not index:
                until = min(until, time.monotonic() + _ENDING[said.what])
    if 0 in ends and ends[0].what == DONE:
        return None
    for index, said in sorted(ends.items()):
        if said.what == REFUSED:
            raise InputError(said.text if not index else f"{who[index]}: {said.text}")
    for index, said in sorted(ends.items()):
        if said.what == LOST:
            return f"{who[index].capitalize()} does not reach another one any more"
    if faults:
        raise faults[0]
    return "The chief is lost"
