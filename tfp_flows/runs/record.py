"""The records of a run: settings while it is not finished, metrics when it is."""

import datetime
import json
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.formats import FORMAT, check_format

# Format 0 does not say of which kind it is.
_IMAGE_FLOWS_OF_FORMAT_0 = ("realnvp_image", "glow")
_HEADLINES_OF_FORMAT_0 = {
    "tables": ("log-likelihood", "nats", "mean_nats", "standard_error_nats"),
    "images": ("bits per dimension", "bits", "bits_per_dim", "standard_error_bits"),
}


def write(path: Path, kind: str, values: dict[str, Any]) -> None:
    """Writes a record as JSON, as a whole or not at all.

    Raises:
        InputError: If it cannot be written.
    """
    text = json.dumps({"format": FORMAT, "kind": kind, **values}, indent=2, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Reads a record of any format; ``format`` and ``kind`` are among its entries.

    Raises:
        InputError: If the file is missing, damaged or of a newer version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is not JSON ({error}).") from error
    damaged = InputError(f"{path} is not a record of tfp-flows fit, or is damaged.")
    if not isinstance(values, dict):
        raise damaged
    written, settings = check_format(values, path), values.get("settings")
    if not isinstance(settings, dict):
        raise damaged
    if written == 0:
        of_images = settings.get("flow") in _IMAGE_FLOWS_OF_FORMAT_0
        values = {**values, "format": 0, "kind": "images" if of_images else "tables"}
    if not isinstance(values.get("kind"), str):
        raise damaged
    return values


def headline(metrics: dict[str, Any]) -> dict[str, Any]:
    """The figure that a run is judged by: name, unit, value, standard_error."""
    test = metrics["test"]
    if "headline" in test:
        return test["headline"]
    name, unit, value, error = _HEADLINES_OF_FORMAT_0[metrics["kind"]]
    return {"name": name, "unit": unit, "value": test[value], "standard_error": test[error]}


def now() -> str:
    """The date and time of day, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
