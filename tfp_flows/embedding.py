"""From the raw context of a flow, an array or several by name, to the tensor its bijectors take."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.interop import Bridge

# Lengths of free axes, on which a network is tried when it is built.
_TRIAL_LENGTH = 64


class Embedding(Bridge):
    """Calls a network of the raw context, once an evaluation.

    Shapes and dtypes of the inputs are those that a functional Keras model declares; for other
    networks, and for free choice, ``context_shape`` gives them, and all are of the flow's dtype.
    The network is called once at construction, so that all variables exist.

    Args:
        network: A Keras 3 or tf_keras layer or model, or a callable `tf.Module`, of one tensor or
            of a dict of them; gets a batch of one axis.
        context_shape: Shape of the raw context, or a dict of shapes; None to ask the network.
            Axes of free length are None.
        output_shape: Shape of what the bijectors take.
        dtype: Dtype of the flow.
        owner: Name of the flow, for errors.

    Raises:
        TypeError: If the network is of a kind whose variables could not be seen.
        ValueError: If the shape of the raw context is not known, or the output has another shape
            than the bijectors take.
    """

    def __init__(self, network, *, context_shape, output_shape, dtype, owner: str):
        super().__init__(network, f"{owner}: an embedding")
        self._owner, self._output_shape = owner, self._no_dependency(tuple(output_shape))
        self._dtype = dtype
        declared = _declared(network, dtype)
        if context_shape is None and declared is None:
            raise ValueError(
                f"{owner}: the embedding does not say what it takes; give context_shape=..., the "
                "shape of the raw context or a dict of shapes, or a functional Keras model."
            )
        dtypes = dtype if declared is None else declared[1]
        if context_shape is None:
            context_shape = declared[0]
        elif isinstance(context_shape, dict):
            given = dtypes if isinstance(dtypes, dict) else {}
            dtypes = {name: given.get(name, dtype) for name in context_shape}
            context_shape = {
                name: shapes.as_shape(shape, f"context_shape[{name!r}]", free=True)
                for name, shape in context_shape.items()
            }
        else:
            dtypes = dtype if isinstance(dtypes, dict) else dtypes
            context_shape = shapes.as_shape(context_shape, "context_shape", free=True)
        # Names in one order, whatever the order of a dict.
        self._names = sorted(context_shape) if isinstance(context_shape, dict) else None
        self.context_shape = self._no_dependency(context_shape)
        self.context_dtype = self._no_dependency(dtypes)
        with tf.init_scope():
            self(self._trial())
        self._see_variables()

    def cast(self, context):
        """The raw context as tensors of the dtypes that the network takes."""
        if self._names is None:
            return shapes.cast_real(context, self.context_dtype, "a context")
        check_names(context, self._names)
        return {
            name: shapes.cast_real(context[name], self.context_dtype[name], f"context[{name!r}]")
            for name in self._names
        }

    def __call__(self, context, training=False):
        """Applies the network.

        Args:
            context: ``[*batch, *context_shape]``, or a dict of such tensors, whose batch axes
                broadcast against each other.
            training: Whether dropout and the like are in training mode.

        Returns:
            ``[*batch, *output_shape]``.

        Raises:
            ValueError: If a name or a shape does not fit.
        """
        parts, ndims = self._parts(context)
        parts = shapes.broadcast_all(parts, ndims)
        flat = [shapes.flatten_batch(part, n) for part, n in zip(parts, ndims, strict=True)]
        value = flat[0] if self._names is None else dict(zip(self._names, flat, strict=True))
        keywords = {"training": training} if self._takes_training else {}
        output = tf.cast(tf.convert_to_tensor(self.network(value, **keywords)), self._dtype)
        if output.shape.rank is None or not output.shape[1:].is_compatible_with(self._output_shape):
            raise ValueError(
                f"{self._owner}: the embedding returns {tuple(output.shape[1:])} a row, but the "
                f"bijectors take contexts of shape {self._output_shape}."
            )
        return shapes.unflatten_batch(output, parts[0], ndims[0], self._output_shape)

    def _parts(self, context):
        """The inputs as checked tensors in one order, and the rank of each without its batch."""
        if self._names is None:
            named = [("context", context, self.context_shape, self.context_dtype)]
        else:
            check_names(context, self._names)
            named = [
                (f"context[{n!r}]", context[n], self.context_shape[n], self.context_dtype[n])
                for n in self._names
            ]
        parts = []
        for name, value, shape, dtype in named:
            value = shapes.as_float_tensor(value, dtype, name)
            parts.append(shapes.check_event(value, shape, name, self._owner))
        return parts, [len(shape) for _, _, shape, _ in named]

    def _trial(self):
        def zeros(shape, dtype):
            return tf.zeros([2, *(_TRIAL_LENGTH if n is None else n for n in shape)], dtype)

        if self._names is None:
            return zeros(self.context_shape, self.context_dtype)
        return {n: zeros(self.context_shape[n], self.context_dtype[n]) for n in self._names}


def check_names(context, names: list[str]) -> None:
    """Checks that a raw context is a dict of just these names.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(context, dict) or sorted(context) != list(names):
        got = sorted(context) if isinstance(context, dict) else type(context).__name__
        raise ValueError(f"The context must be a dict of {list(names)}, got {got}.")


def _declared(network, dtype):
    """Shapes and dtypes of the inputs of a functional Keras model, by name if there are several.

    None for other networks.
    """
    inputs = getattr(network, "inputs", None)
    if not inputs:
        return None
    struct = getattr(network, "input", None)
    if isinstance(struct, dict):
        inputs = struct
    elif len(inputs) > 1:
        names = getattr(network, "input_names", None) or [tensor.name for tensor in inputs]
        inputs = dict(zip(names, inputs, strict=True))
    else:
        return tuple(inputs[0].shape)[1:], _kept(inputs[0].dtype, dtype)
    return (
        {name: tuple(tensor.shape)[1:] for name, tensor in inputs.items()},
        {name: _kept(tensor.dtype, dtype) for name, tensor in inputs.items()},
    )


def _kept(declared, dtype) -> tf.DType:
    """Integers, of classes say, stay what they are; numbers come in the flow's dtype."""
    declared = tf.as_dtype(declared)
    return dtype if declared.is_floating else declared
