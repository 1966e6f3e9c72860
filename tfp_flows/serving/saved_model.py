"""Flows as SavedModels, for TensorFlow, TensorFlow Serving and whatever reads those."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from tfp_flows.flows import Flow
from tfp_flows.serving.signatures import Functions, remark_if_random, traced


def write(flow: Flow, folder: Path) -> dict[str, Any]:
    """Writes a SavedModel into a folder.

    Args:
        flow: The flow.
        folder: An empty folder.

    Returns:
        What ``flow.json`` tells of it.
    """
    functions, module = Functions(flow), tf.Module()
    module.flow_variables = list(flow.variables)
    module.log_prob = tf.function(functions.log_prob, autograph=False)
    module.sample = tf.function(functions.sample, autograph=False)
    module.to_latent = tf.function(functions.to_latent, autograph=False)
    signatures = {
        "log_prob": traced(functions.named(module.log_prob, "log_prob"), functions.rows),
        "sample": traced(functions.named(module.sample, "sample"), functions.draws),
    }
    try:
        to_latent = functions.named(module.to_latent, "latent")
        signatures["to_latent"] = traced(to_latent, functions.rows)
    except NotImplementedError:
        del module.to_latent  # has no such direction
    estimated = remark_if_random(flow, signatures["log_prob"])
    served = {**signatures, "serving_default": signatures["log_prob"]}
    tf.saved_model.save(module, str(folder), signatures=served)
    return {
        "signatures": {name: _told(one) for name, one in signatures.items()},
        "estimated": estimated,
    }


def _told(signature) -> dict[str, Any]:
    inputs = signature.structured_input_signature[1]
    sides = {"inputs": inputs, "outputs": signature.structured_outputs}
    return {
        side: {name: [spec.dtype.name, *spec.shape.as_list()] for name, spec in specs.items()}
        for side, specs in sides.items()
    }
