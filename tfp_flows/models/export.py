"""Flows as SavedModels that run without this package."""

import tensorflow as tf

from tfp_flows.flows import Flow


def export(flow: Flow, path) -> None:
    """Writes a SavedModel with the functions ``log_prob`` and ``sample``.

    ``tf.saved_model.load(path)`` reads it where this package is not installed:
    ``log_prob(x)`` takes ``[n, *event_shape]`` and returns ``[n]``, in nats; ``sample(n, seed)``
    takes a number and a pair of integers and returns ``[n, *event_shape]``. Conditional flows take
    a ``context`` besides, ``[m, *context_shape]`` or a dict of such; ``log_prob`` one a row, and
    ``sample`` returns ``[n, m, *event_shape]``. Where lengths are free and no context map says
    them, ``sample`` takes ``length`` as well, a number for each. Both are signatures too,
    ``log_prob`` the default one; there the entries of a dict are inputs by their names.

    Args:
        flow: The flow, whose weights are written.
        path: Folder to write.
    """
    contexts = _context_specs(flow)
    event, context_shape = flow.bijector.event_shape, flow.bijector.context_shape
    mapped = context_shape is not None and len(context_shape) == len(event)
    free = 0 if mapped else event.count(None)
    lengths = {"length": tf.TensorSpec([free], tf.int32, name="length")} if free else {}
    rows = tf.TensorSpec([None, *flow.event_shape], flow.dtype, name="x")
    number = tf.TensorSpec([], tf.int32, name="n")
    seed = tf.TensorSpec([2], tf.int32, name="seed")

    def log_prob(x, context=None):
        return flow.log_prob(x, context)

    def sample(n, seed, context=None, length=None):
        length = None if length is None else tf.unstack(length, free)
        return flow.sample(n, context, seed=seed, length=length)

    module = tf.Module()
    module.flow_variables = list(flow.variables)
    module.log_prob = tf.function(log_prob, autograph=False)
    module.sample = tf.function(sample, autograph=False)
    signatures = {
        "log_prob": module.log_prob.get_concrete_function(rows, *contexts),
        "sample": module.sample.get_concrete_function(number, seed, *contexts, **lengths),
    }
    signatures["serving_default"] = signatures["log_prob"]
    tf.saved_model.save(module, str(path), signatures=signatures)


def _context_specs(flow: Flow) -> list:
    shape, dtype = flow.context_shape, flow.context_dtype
    if shape is None:
        return []
    if not isinstance(shape, dict):
        return [tf.TensorSpec([None, *shape], dtype, name="context")]
    return [{n: tf.TensorSpec([None, *shape[n]], dtype[n], name=n) for n in sorted(shape)}]
