"""Densities as TFLite models, for telephones and small devices."""

import re
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.serving.graphs import frozen_density

FILE = "log_prob.tflite"


def write(flow: Flow, folder: Path) -> dict[str, Any]:
    """Writes ``log_prob.tflite``, of TFLite's own operations; gives what ``flow.json`` tells of it.

    Raises:
        InputError: If TFLite lacks an operation of the density.
    """
    module = tf.Module()
    module.log_prob, estimated = frozen_density(flow)
    with tempfile.TemporaryDirectory(dir=folder) as saved:
        # Names of inputs and outputs come through a SavedModel alone.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        signatures = {"log_prob": module.log_prob}
        tf.saved_model.save(module, saved, signatures=signatures, options=options)
        content = _converted(flow, saved)
    (folder / FILE).write_bytes(content)
    return {"file": FILE, "estimated": estimated}


def _converted(flow: Flow, saved: str) -> bytes:
    try:
        return tf.lite.TFLiteConverter.from_saved_model(saved, ["log_prob"]).convert()
    except Exception as error:  # its own class has no public name
        raise InputError(
            f"TFLite cannot hold the density of {flow.name}: {_lacking(str(error))}; export it as "
            "saved_model."
        ) from error


def _lacking(message: str) -> str:
    found = re.findall(r"(?:TF Select|Custom) ops: (.*)", message)
    if found:
        return f"it lacks {', '.join(found)}"
    return message.strip().splitlines()[-1][:200] if message.strip() else "the conversion failed"
