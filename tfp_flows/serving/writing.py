"""An export as a folder, which is written whole or not at all."""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfp_flows._version import __version__
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows import Flow
from tfp_flows.serving import lite, onnx, saved_model

ABOUT = "flow.json"
FORMATS: dict[str, Callable[[Flow, Path], dict[str, Any]]] = {
    "saved_model": saved_model.write,
    "tflite": lite.write,
    "onnx": onnx.write,
}

# What TensorFlow's own writers raise where Python's raise an OSError.
_OF_FILES = (
    tf.errors.ResourceExhaustedError,
    tf.errors.PermissionDeniedError,
    tf.errors.NotFoundError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnknownError,
)


def write(
    flow: Flow,
    path: str | os.PathLike[str],
    format: str = "saved_model",
    *,
    overwrite: bool = True,
    about: dict[str, Any] | None = None,
) -> Path:
    """Writes a flow for programs that have no tfp_flows; see `tfp_flows.models.export`.

    Args:
        flow: The flow, whose weights are written.
        path: Folder to write.
        format: One of `FORMATS`.
        overwrite: Whether an earlier export may be replaced. Nothing else ever is.
        about: More entries of ``flow.json``, JSON values.

    Returns:
        The folder.

    Raises:
        InputError: If the format is unknown, a package is missing, the format lacks an operation,
            or the folder cannot be written or holds something.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    target = Path(os.path.abspath(path))
    check_target(target, overwrite)
    beside = target.parent / f".{secrets.token_hex(4)}-{target.name}"
    made = [folder for folder in target.parents if not folder.exists()]
    try:
        beside.mkdir(parents=True)
        facts = FORMATS[format](flow, beside)
        facts = {**_facts(flow), "format": format, **facts, **(about or {})}
        (beside / ABOUT).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        check_target(target, overwrite)  # again: another may have come first
        _replace(beside, target)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror or error}.") from error
    except _OF_FILES as error:
        # Before the cause stands the name of a file beside it.
        cause = error.message.strip().rpartition("; ")[2].rstrip(".")
        raise InputError(f"Cannot write {path}: {cause}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):  # it holds the export
                folder.rmdir()
    return target


def check_target(target: Path, overwrite: bool) -> None:
    """Checks that an export may be written there.

    Raises:
        InputError: If it is a file, or a folder that holds something which may not be replaced.
    """
    for part in (target, *target.parents):
        if part.exists() and not part.is_dir():
            raise InputError(f"Cannot write {target}: {part} is a file; give a folder.")
    if not target.exists():
        return
    names = {part.name for part in target.iterdir()}
    if not names:
        return
    if ABOUT not in names:
        raise InputError(f"{target} holds other files; give another folder for the export.")
    if not overwrite:
        raise InputError(f"{target} holds an export; give another folder, or --overwrite.")


def _replace(new: Path, target: Path) -> None:
    if not target.exists():
        os.replace(new, target)
        return
    old = target.parent / f".{secrets.token_hex(4)}-{target.name}"
    os.replace(target, old)
    try:
        os.replace(new, target)
    except OSError:
        os.replace(old, target)
        raise
    with contextlib.suppress(OSError):
        shutil.rmtree(old)


def _facts(flow: Flow) -> dict[str, Any]:
    shape = flow.context_shape
    plain = {name: list(part) for name, part in shape.items()} if isinstance(shape, dict) else shape
    return {
        "name": flow.name,
        "event_shape": list(flow.bijector.event_shape),
        "latent_shape": list(flow.bijector.latent_shape),
        "context_shape": list(plain) if isinstance(plain, tuple) else plain,
        "dtype": flow.dtype.name,
        "log_prob": "nats",
        "tfp_flows": __version__,
    }
