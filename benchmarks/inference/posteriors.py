"""Posteriors whose means and deviations are known from long runs, and how far draws are off."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tfp_flows.errors import InputError, unknown_name


class Posterior(NamedTuple):
    """One posterior.

    Attributes:
        name: Of the data and the model.
        data: What the model is given.
        reference: Of each element its ``mean``, ``sd`` and more.
        dimension: Number of free coordinates.
        log_ratio: How far the deviations of the best Gaussian are from those of the posterior, in
            unconstrained coordinates: the largest ratio's logarithm. Small where it is Gaussian.
    """

    name: str
    data: dict[str, Any]
    reference: dict[str, dict[str, float]]
    dimension: int
    log_ratio: float

    @classmethod
    def read(cls, path: Path) -> "Posterior":
        """Reads a file of the folder."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            shape = record["check"]["shape_in_unconstrained_space"]
            return cls(
                record["name"],
                record["data"],
                record["reference"],
                record["dimension"],
                shape["sd_log_ratio_to_gaussian"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is no posterior with a reference: {error!r}.") from error


def files(folder: Path, only: list[str] | None = None) -> dict[str, Path]:
    """The files of a folder by the posteriors' names.

    Args:
        folder: Holds JSON files.
        only: The names that are wanted; all by default.

    Raises:
        InputError: If there is none, or not that one.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.json"))}
    if not found:
        raise InputError(f"--data is {folder}, which holds no .json files of posteriors.")
    for name in only or ():
        if name not in found:
            raise unknown_name("posterior", name, found)
    return {name: path for name, path in found.items() if not only or name in only}


def errors(
    posterior: Posterior, module: ModuleType, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """How far draws are from the reference, at the element where they are worst.

    Args:
        posterior: With the reference.
        module: Of its model.
        parameters: Draws of each part, ``[draws, *shape]``.

    Returns:
        ``mean_error``, of a mean, in deviations of the reference; ``sd_ratio``, of the deviations;
        ``mean_at`` and ``sd_at``, the elements.
    """
    from benchmarks.inference.models import quantities

    elements = quantities(module, posterior.data, parameters)
    off, ratios = {}, {}
    for name, known in posterior.reference.items():
        off[name] = abs(float(np.mean(elements[name])) - known["mean"]) / known["sd"]
        ratios[name] = float(np.std(elements[name], ddof=1)) / known["sd"]
    worst = max(off, key=lambda name: _or_infinite(off[name]))
    widest = max(ratios, key=lambda name: abs(_log(ratios[name])))
    return {
        "mean_error": off[worst],
        "mean_at": worst,
        "sd_ratio": ratios[widest],
        "sd_at": widest,
    }


def _or_infinite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _log(ratio: float) -> float:
    return math.log(ratio) if 0 < ratio < math.inf else math.inf
