"""Densities as ONNX models."""

import contextlib
import importlib
import io
import logging
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.serving.graphs import frozen_density

FILE = "log_prob.onnx"
OPSET = 17


def write(flow: Flow, folder: Path) -> dict[str, Any]:
    """Writes ``log_prob.onnx``, with named tensors; gives what ``flow.json`` tells of it.

    Raises:
        InputError: If a package is missing (extra ``onnx``), or ONNX lacks an operation of the
            density.
    """
    converter, onnx = (_needed(name) for name in ("tf2onnx", "onnx"))
    function, estimated = frozen_density(flow)
    inputs = {tensor.name: tensor.op.name for tensor in function.inputs}
    (output,) = (tensor.name for tensor in function.outputs)
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    with contextlib.redirect_stderr(io.StringIO()):
        model, _ = converter.convert.from_graph_def(
            function.graph.as_graph_def(),
            name=flow.name,
            input_names=list(inputs),
            output_names=[output],
            opset=OPSET,
        )
    if lacking := _unknown(model.graph, onnx):
        raise InputError(
            f"ONNX cannot hold the density of {flow.name}: it lacks {', '.join(lacking)}; export "
            "it as saved_model."
        )
    _rename(model.graph, {**inputs, output: "log_prob"})
    onnx.checker.check_model(model)
    onnx.save_model(model, str(folder / FILE))
    return {"file": FILE, "opset": OPSET, "estimated": estimated}


def _needed(name: str):
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(
            f'An export to ONNX needs {name}, which is missing: pip install "tfp-flows[onnx]".'
        ) from None


def _unknown(graph, onnx) -> list[str]:
    """Operations that ONNX does not define, which tf2onnx leaves as TensorFlow has them."""
    names = set()
    for node in graph.node:
        if not onnx.defs.has(node.op_type, node.domain):
            names.add(node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names.update(_unknown(attribute.g, onnx))
    return sorted(names)


def _rename(graph, names: dict[str, str]) -> None:
    for node in graph.node:
        for side in (node.input, node.output):
            side[:] = [names.get(name, name) for name in side]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
