"""Graphs with weights as constants, copied by operations; what is constant is computed once."""

from collections.abc import Callable, Mapping

import tensorflow as tf

# What makes much of little stays an operation, which a program fuses with those behind it.
_SPREADS = {"BroadcastTo", "Fill", "Tile"}


def is_simple(function) -> bool:
    """Whether a function's graph can be copied by `rebuilt`.

    Those of loops have graphs of their own, and checks hang on nothing but their order.

    Args:
        function: A concrete function.
    """
    if function.graph.as_graph_def().library.function:
        return False
    return not any(one.op_def.is_stateful for one in function.graph.get_operations())


def draws_noise(function) -> bool:
    """Whether a concrete function draws random numbers."""
    definition = function.graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    return any("Random" in node.op for node in nodes)


def constants(function) -> dict:
    """The tensors of a function without variables that depend on none of its inputs.

    Args:
        function: A concrete function that `is_simple`, as `convert_variables_to_constants_v2` of
            TensorFlow returns it.

    Returns:
        By reference, the values of those that others need.
    """
    known, given = set(), {tensor.ref() for tensor in function.inputs}
    wanted, outputs = {}, {tensor.ref() for tensor in function.outputs}
    for operation in function.graph.get_operations():
        fixed = operation.type == "Const" or (
            bool(operation.inputs)
            and operation.type not in _SPREADS
            and not operation.op_def.is_stateful
            and all(tensor.ref() in known for tensor in operation.inputs)
        )
        here = [tensor for tensor in operation.outputs if tensor.ref() not in given]
        if fixed:
            known |= {tensor.ref() for tensor in here}
            computed = here if operation.type != "Const" else []
            wanted |= {tensor.ref(): tensor for tensor in computed if tensor.ref() in outputs}
            continue
        for tensor in operation.inputs:
            if tensor.ref() in known and tensor.op.type != "Const":
                wanted[tensor.ref()] = tensor
    if not wanted:
        return {}
    values = function.prune([], list(wanted.values()))()
    return dict(zip(wanted, values, strict=True))


def rebuilt(
    function,
    inputs: list[tf.Tensor],
    *,
    known: Mapping | None = None,
    replaced: Mapping[str, Callable] | None = None,
) -> list[tf.Tensor]:
    """The outputs of a function, built anew in the graph that is being traced.

    Args:
        function: A concrete function that `is_simple`.
        inputs: What stands for its inputs.
        known: Values of some of its tensors, by reference; what only they need is left out.
        replaced: By their types, what stands for operations: functions of their inputs, which may
            return None to leave one as it is.
    """
    replaced = replaced or {}
    values = {ref: tf.constant(value) for ref, value in (known or {}).items()}
    values |= {tensor.ref(): value for tensor, value in zip(function.inputs, inputs, strict=True)}
    graph = tf.compat.v1.get_default_graph()
    for operation in _needed(function, values):
        taken = [values[tensor.ref()] for tensor in operation.inputs]
        made = None
        if operation.type in replaced:
            made = replaced[operation.type](operation, taken)
        if made is None:
            made = graph.create_op(
                operation.type,
                taken,
                dtypes=[tensor.dtype for tensor in operation.outputs],
                name=operation.name,
                attrs=dict(operation.node_def.attr),
            ).outputs
        values |= {old.ref(): new for old, new in zip(operation.outputs, made, strict=True)}
    return [values[tensor.ref()] for tensor in function.outputs]


def _needed(function, values) -> list[tf.Operation]:
    """The operations behind the outputs, in order, without those whose values are there."""
    waiting, needed = [t for t in function.outputs if t.ref() not in values], set()
    while waiting:
        operation = waiting.pop().op
        if operation in needed:
            continue
        needed.add(operation)
        waiting += [tensor for tensor in operation.inputs if tensor.ref() not in values]
    return [operation for operation in function.graph.get_operations() if operation in needed]
