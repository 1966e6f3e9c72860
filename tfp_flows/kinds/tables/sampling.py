"""Samples written block by block, into a file or a folder of parts, in constant memory."""

from collections.abc import Callable

from tfp_flows import datasets
from tfp_flows.datasets.appending import Piece
from tfp_flows.datasets.part_folders import PartFolder
from tfp_flows.kinds.tables import verbs
from tfp_flows.kinds.tables.into_parts import (
    alone,
    fingerprint,
    is_folder,
    part_of,
    say_left_out,
    stamped,
)
from tfp_flows.runs.opened import Run
from tfp_flows.runs.ray_parts import side_by_side

PART_ROWS = 1_000_000


def write_samples(
    run: Run, options, count: int, block: int, drawn: Callable[[int, int], Piece]
) -> None:
    """Writes samples that are the same whichever of them are drawn when.

    Args:
        run: The run.
        options: Those of `sample`.
        count: Number of samples.
        block: Most samples drawn at a time; those of each block have a seed of their own.
        drawn: Gives the samples from a multiple of ``block`` up to another number.

    Raises:
        InputError: If they cannot be written.
    """
    if not is_folder(options.output):
        with datasets.appended(options.output) as append:
            _append(append, 0, count, block, drawn)
        return
    size = PART_ROWS // block * block
    bounds = {
        f"part-{k:05d}.parquet": [start, min(start + size, count)]
        for k, start in enumerate(range(0, count, size))
    }
    command = {"verb": "sample", "run": fingerprint(run), "seed": options.seed}
    command["given"] = stamped(options.given)
    part = part_of(options)
    if part is not None:
        with datasets.appended(options.output / part) as append:
            _append(append, *bounds[part], block, drawn)
        return
    with PartFolder(options.output, command).left(bounds) as left:
        say_left_out(len(bounds), len(left))
        if options.engine is not None:
            each = {name: alone(options, name) for name in left}
            side_by_side(verbs.sample, run, each, options.workers)
            return
        for name in left:
            with datasets.appended(options.output / name) as append:
                _append(append, *bounds[name], block, drawn)


def _append(append, start: int, stop: int, block: int, drawn) -> None:
    for first in range(start, stop, block):
        append(drawn(first, min(first + block, stop)))
