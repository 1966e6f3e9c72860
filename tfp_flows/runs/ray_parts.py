"""Parts of a folder made side by side on Ray: a task each, begun again when its machine is lost."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.runs import ray_cluster
from tfp_flows.runs.opened import Run
from tfp_flows.runs.ray_worker import ERR, Said, heard
from tfp_flows.terminal import note

# How often Ray begins a task again whose process or machine is lost.
_RETRIES = 3
# Opened once in a process, which Ray has work on one part after the other.
_RUNS: dict[Path, Run] = {}


def side_by_side(
    verb: Callable[[Run, Any], Any], run: Run, parts: Mapping[str, Any], workers: int | None
) -> None:
    """Has a verb make parts, and notes what it said of each.

    Args:
        verb: ``(run, options)``: writes one part; of an importable module.
        run: The run.
        parts: The options for each part, by its name.
        workers: How many at a time; None for one on each machine of the cluster.

    Raises:
        InputError: If Ray is missing or not reached, a part has bad input, or a worker is lost too
            often. What is finished stays.
    """
    if not parts:
        return
    with ray_cluster.connected(workers or 1) as ray:
        workers = ray_cluster.machines(ray) if workers is None else workers
        gpus = int(ray.cluster_resources().get("GPU", 0) >= workers)
        task = ray.remote(_made).options(
            num_cpus=1, num_gpus=gpus, max_retries=_RETRIES, scheduling_strategy="SPREAD"
        )
        given = os.getcwd(), ray_cluster.told(), verb, run
        waiting, begun = dict(reversed(parts.items())), {}
        while waiting or begun:
            while waiting and len(begun) < workers:
                name, options = waiting.popitem()
                begun[task.remote(*given, options)] = name
            for done in ray.wait(list(begun), num_returns=1)[0]:
                _noted(ray, done, begun.pop(done))


def _noted(ray, done, name: str) -> None:
    try:
        said = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError:
        raise InputError(
            f"The worker of {name} was lost {_RETRIES + 1} times; what is finished is kept, and "
            "the same command goes on."
        ) from None
    for one in said:
        if one.what == ERR:
            note(f"{name}: {one.text.strip().removeprefix('Note: ')}")


def _made(folder: str, environment: dict[str, str], verb, run: Run, options) -> list[Said]:
    """What a process of Ray's does."""
    said: list[Said] = []
    with heard(said.append):
        ray_cluster.enter(folder, environment)
        verb(_RUNS.setdefault(run.path, run), options)
    return said
