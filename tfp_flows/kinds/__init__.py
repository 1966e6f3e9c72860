"""Kinds of work: one folder a kind, one line here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.catalogue import RECIPES, find
from tfp_flows.runs.kind import Kind, load

if TYPE_CHECKING:
    from tfp_flows.runs.opened import Run

# A flow is fitted by the first kind that takes its events, unless another one is asked for.
KINDS = {
    "tables": "tfp_flows.kinds.tables:KIND",
    "images": "tfp_flows.kinds.images:KIND",
    "targets": "tfp_flows.kinds.targets:KIND",
    "speech": "tfp_flows.kinds.speech:KIND",
    "anomaly": "tfp_flows.kinds.anomaly:KIND",
    "posteriors": "tfp_flows.kinds.posteriors:KIND",
    "agents": "tfp_flows.kinds.agents:KIND",
}


def get(name: str) -> Kind:
    """The kind of this name.

    Raises:
        InputError: If there is none.
    """
    if name not in KINDS:
        raise unknown_name("kind of work", name, KINDS)
    return load(KINDS[name])


def every() -> list[Kind]:
    """All kinds."""
    return [get(name) for name in KINDS]


def of_record(record: dict, path: Path) -> Kind:
    """The kind of a record that `runs.record.read` returned.

    Raises:
        InputError: If this version does not know it.
    """
    if record["kind"] not in KINDS:
        raise InputError(
            f"{path} is of kind {record['kind']!r}, which this tfp-flows does not know, only "
            f"{', '.join(KINDS)}; update it."
        )
    return get(record["kind"])


def of_flow(name: str) -> Kind:
    """The kind that fits a flow if none is asked for.

    Raises:
        InputError: If there is no such flow.
    """
    for kind in every():
        if name in kind.flows:
            return kind
    event = RECIPES[find(name)].event
    return next(kind for kind in every() if kind.event == event)


def open_run(folder: str | os.PathLike[str]) -> "Run":
    """Opens a finished run of `tfp-flows fit`.

    Args:
        folder: The ``--out`` of the fit.

    Returns:
        Its ``kind``, ``settings``, ``metrics``, ``history``, and ``model``, loaded at first use.

    Raises:
        InputError: If the folder is none, the fit in it is not finished, or the record is damaged.

    Example:
        >>> run = tff.open_run("moons")
        >>> run.metrics["test"]["headline"]["value"]
        >>> run.model.flow.sample(100)
    """
    from tfp_flows.runs.opened import Run, metrics_of

    path = Path(folder)
    metrics = metrics_of(path)
    return Run(path, of_record(metrics, path), metrics)
