"""The graph of a density for runtimes that know fewer operations than TensorFlow."""

import functools
from collections.abc import Callable

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfp_flows.flows import Flow
from tfp_flows.flows.graphs import rebuilt as copied
from tfp_flows.serving.signatures import Functions, remark_if_random, traced


def _clipped(x, low, high):
    # In this order, so that what is no number stays none in kernels that compare.
    return tf.minimum(tf.maximum(x, low), high)


def _log1p(x):
    # Goldberg 1991, theorem 4: the rounding of 1 + x cancels in the quotient.
    whole = 1 + x
    rounded = whole - 1
    there = tf.equal(rounded, 0)
    near = x * tf.math.log(whole) / tf.where(there, tf.ones_like(x), rounded)
    return tf.where(x > 1, tf.math.log(whole), tf.where(there, x, near))


def _broadcast(first, second):
    """The shape of two shapes together."""
    length = max(first.shape[0], second.shape[0])
    first, second = (
        tf.concat([tf.ones([length - shape.shape[0]], shape.dtype), shape], axis=0)
        for shape in (first, second)
    )
    return tf.where(tf.equal(first, 1), second, first)


REPLACED: dict[str, Callable] = {
    "ClipByValue": _clipped,
    "Log1p": _log1p,
    "BroadcastArgs": _broadcast,
}
"""What neither TFLite's nor ONNX' operations have, of those that ours do not need."""


def frozen_density(flow: Flow) -> tuple[tf.types.experimental.Callable, bool]:
    """``log_prob`` of a flow for such a runtime, and whether it is an estimate, which is said."""
    functions = Functions(flow)
    log_prob = functions.named(functions.log_prob, "log_prob")
    frozen = without_variables(log_prob, functions.rows)
    return frozen, remark_if_random(flow, frozen)


def without_variables(function, specs: dict[str, tf.TensorSpec]) -> tf.types.experimental.Callable:
    """A function with its weights as constants, and of simpler operations where there are some.

    Args:
        function: Of named tensors; returns a dict of tensors.
        specs: Shape and dtype of each.

    Returns:
        A concrete function of the same names, in and out.
    """
    original = traced(function, specs)
    frozen = convert_variables_to_constants_v2(original)
    # Those of loops have graphs of their own, which stay as they are.
    simple = not frozen.graph.as_graph_def().library.function
    names = sorted(original.structured_outputs)
    replaced = {name: functools.partial(_made, REPLACED[name]) for name in REPLACED}

    def rebuilt(**given):
        by_name = [given[tensor.op.name] for tensor in frozen.inputs]
        outputs = copied(frozen, by_name, replaced=replaced) if simple else frozen(*by_name)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return dict(zip(names, outputs, strict=True))

    return traced(rebuilt, specs)


def _made(replacement, operation, taken) -> list[tf.Tensor] | None:
    if any(each.shape.rank is None for each in taken):
        return None
    return [replacement(*taken)]
