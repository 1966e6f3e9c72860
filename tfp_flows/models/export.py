"""Flows as SavedModels that run without this package."""

import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow


def export(flow: Flow, path) -> None:
    """Writes a SavedModel with the functions ``log_prob`` and ``sample``.

    ``tf.saved_model.load(path)`` reads it where this package is not installed:
    ``log_prob(x)`` takes ``[n, *event_shape]`` and returns ``[n]``, in nats; ``sample(n, seed)``
    takes a number and a pair of integers and returns ``[n, *event_shape]``. Conditional flows take
    a ``context`` besides, ``[m, *context_shape]``; ``log_prob`` one a row, and ``sample`` returns
    ``[n, m, *event_shape]``. Both are signatures too, ``log_prob`` the default one.

    Args:
        flow: The flow, whose weights are written.
        path: Folder to write.

    Raises:
        InputError: If the flow takes a context of several named arrays.
    """
    if isinstance(flow.context_shape, dict):
        raise InputError(
            f"Only flows whose context is one array can be exported; {flow.name} takes "
            f"{sorted(flow.context_shape)}."
        )
    contexts = []
    if flow.context_shape is not None:
        contexts = [tf.TensorSpec([None, *flow.context_shape], flow.context_dtype, name="context")]
    rows = tf.TensorSpec([None, *flow.event_shape], flow.dtype, name="x")
    number = tf.TensorSpec([], tf.int32, name="n")
    seed = tf.TensorSpec([2], tf.int32, name="seed")

    def log_prob(x, context=None):
        return flow.log_prob(x, context)

    def sample(n, seed, context=None):
        return flow.sample(n, context, seed=seed)

    module = tf.Module()
    module.flow_variables = list(flow.variables)
    module.log_prob = tf.function(log_prob)
    module.sample = tf.function(sample)
    signatures = {
        "log_prob": module.log_prob.get_concrete_function(rows, *contexts),
        "sample": module.sample.get_concrete_function(number, seed, *contexts),
    }
    signatures["serving_default"] = signatures["log_prob"]
    tf.saved_model.save(module, str(path), signatures=signatures)
