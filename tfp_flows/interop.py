"""Any network as a conditioner: Keras 3, tf_keras, tf.Module.

Keras 3 layers are neither `tf.Module`s nor tracked by them, so a bijector that holds one would
show none of its weights. `Network` holds the weights' `tf.Variable`s beside the layer.
"""

import functools
import inspect
import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import keras_worlds, shapes
from tfp_flows.config import Configurable
from tfp_flows.networks.autoregressive import AutoregressiveNetwork

# Length of free axes, on which a network is tried when it is built.
_TRIAL_LENGTH = 8


def _accepts(function, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()
    )


class Bridge(tf.Module):
    """Holds a network of any kind, so that its variables are seen; the base of what calls one.

    Args:
        network: A Keras 3 or tf_keras layer or model, or a callable `tf.Module`.
        role: What it serves as, for errors.

    Raises:
        TypeError: If the network is of another kind, whose variables could not be seen.
    """

    def __init__(self, network, role: str):
        super().__init__()
        self._keras3 = keras_worlds.library_of(network) == "keras"
        if not (self._keras3 or (isinstance(network, tf.Module) and callable(network))):
            raise TypeError(
                f"{role} must be a Keras layer or model or a callable tf.Module, "
                f"so that its variables can be trained; got {type(network).__name__}."
            )
        self.network = network
        # Functional models take `training` without naming it.
        self._takes_training = _accepts(getattr(network, "call", network.__call__), "training")

    def _see_variables(self):
        """Finds the variables, once all of them exist."""
        network = self.network
        # Found by tf.Module, and shared with the layer: training one trains the other.
        self._variables = [v.value for v in network.variables] if self._keras3 else []
        # tf.Module asks the variable alone, which does not know that its layer is frozen.
        for variable in network.non_trainable_variables:
            (variable.value if self._keras3 else variable)._trainable = False


class Network(Bridge):
    """A conditioner of coordinates: calls a network and brings its output into one form.

    The network may return ``[n, D * P]``, ``[n, D, P]`` or a list of ``P`` tensors ``[n, D]``
    (shift and log-scale, say), for ``D`` coordinates with ``P`` parameters each; of images
    likewise, where ``D`` stands for height, width and channels. It gets a batch of one axis. A
    context is passed as ``context=`` to our networks, as ``conditional_input=`` to autoregressive
    networks in TFP's form, as a second input to functional models that have two, and joined to
    the input on the last axis elsewhere: a vector at every place of an image or sequence, a map
    at its own.

    The network is called once at construction, so that all variables exist. Layers that are
    frozen at that time stay frozen.

    Args:
        network: A Keras 3 or tf_keras layer or model, or a callable `tf.Module`.
        input_shape: Shape of the input, a vector, a sequence or an image; None for free lengths.
        context_shape: Shape of the context, a vector or a map of the input's places; None for none.
        coordinates: ``D``, as a shape.
        parameters: ``P``.
        dtype: Dtype of input and output.
        owner: Name of the bijector, for errors.

    Raises:
        TypeError: If the network is of another kind, whose variables could not be seen.
        ValueError: If its output has the wrong size.
    """

    def __init__(
        self, network, *, input_shape, context_shape, coordinates, parameters, dtype, owner
    ):
        super().__init__(network, f"{owner}: a conditioner")
        self._input_ndims = len(input_shape)
        self._context_ndims = len(context_shape or ())
        self._output_shape = (*coordinates, parameters)
        self.dtype, self.owner = dtype, owner
        call = getattr(network, "call", network.__call__)
        # TFP's network keeps its masks in constraints, which few optimisers apply.
        theirs = isinstance(network, tfp.bijectors.AutoregressiveNetwork)
        if theirs and not network.built:
            network.build([None, *input_shape])
        self._constrained = []
        if theirs and not isinstance(network, AutoregressiveNetwork):
            self._constrained = [v for v in network.trainable_variables if v.constraint]
        self._style = self._context_style(network, call) if context_shape else "none"
        trial = functools.partial(shapes.filled, length=_TRIAL_LENGTH)
        with tf.init_scope():
            context = tf.zeros([2, *trial(context_shape)], dtype) if context_shape else None
            output = self(tf.zeros([2, *trial(input_shape)], dtype), context)
        expected = (2, *trial(self._output_shape))
        if output.shape != expected:
            raise ValueError(
                f"{owner}: unexpected conditioner output of shape {output.shape}, expected "
                f"{expected}; it keeps all places."
            )
        self._see_variables()

    @staticmethod
    def _context_style(network, call):
        if isinstance(network, tfp.bijectors.AutoregressiveNetwork):
            return "conditional_input"
        if "context" in inspect.signature(call).parameters:
            return "context"
        inputs = getattr(network, "inputs", None)
        return "list" if inputs is not None and len(inputs) == 2 else "concatenate"

    def __call__(self, x, context=None, training=False):
        """Returns the parameters ``[..., D, P]`` for inputs ``[..., *input_shape]``."""
        flat, keywords = shapes.flatten_batch(x, self._input_ndims), {}
        # Convolutions of TensorFlow answer no rows with a wrong shape.
        inputs = shapes.nonempty(flat) if self._input_ndims > 1 else flat
        padded = inputs is not flat
        if context is not None:
            context = shapes.flatten_batch(context, self._context_ndims)
            context = shapes.nonempty(context) if padded else context
            if self._style == "list":
                inputs = [inputs, context]
            elif self._style == "concatenate":
                inputs = tf.concat([inputs, shapes.at_every_place(context, inputs)], axis=-1)
            else:
                keywords[self._style] = context
        if self._takes_training:
            keywords["training"] = training
        for variable in self._constrained:
            variable.assign(variable.constraint(variable))
        output = self._join(self.network(inputs, **keywords))
        output = tf.cast(output, self.dtype)
        if padded:
            output = output[: tf.shape(flat)[0]]
        return shapes.unflatten_batch(output, x, self._input_ndims, self._output_shape)

    def _join(self, output):
        if isinstance(output, list | tuple):
            output = tf.stack([tf.convert_to_tensor(part) for part in output], axis=-1)
        output = tf.convert_to_tensor(output)
        *coordinates, parameters = self._output_shape
        of, values = "row", output.shape[1:]
        if None in coordinates:
            # All axes before the channels stand.
            of, values = "place", output.shape[len(coordinates) :]
            coordinates = coordinates[-1:]
        size, wanted = values.num_elements(), math.prod(coordinates) * parameters
        if size != wanted:
            raise ValueError(
                f"{self.owner}: the conditioner returns {size} values a {of}, but "
                f"{math.prod(coordinates)} coordinates with {parameters} parameters each "
                f"need {wanted}."
            )
        return output


def check_autoregressive(conditioner: Network, size: int, context_size: int) -> None:
    """Checks that the outputs of a network can be ordered so that each sees earlier inputs alone.

    Moves one input at a time, at a random point, and sees which outputs follow.

    Raises:
        ValueError: If there is no such order: log-dets would be wrong.
    """
    generator = np.random.default_rng(0)
    with tf.init_scope():
        dtype = conditioner.dtype
        start = generator.normal(size=size)
        points = tf.constant(np.concatenate([[start], start + np.eye(size)]), dtype)
        context = None
        if context_size:
            row = generator.normal(size=context_size)
            context = tf.constant(np.tile(row, (size + 1, 1)), dtype)
        outputs = conditioner(points, context).numpy()
    # seen[j, i]: whether output i moves with input j.
    moved = np.abs(outputs[1:] - outputs[:1]).max(axis=-1)
    rounding = 16 * np.finfo(outputs.dtype).eps * np.abs(outputs).max()
    seen = moved > max(1e-4 * moved.max(), rounding)
    left = np.arange(size)
    while left.size:
        free = ~seen[np.ix_(left, left)].any(axis=0)
        if not free.any():
            raise ValueError(
                f"{conditioner.owner}: the network is not autoregressive: each of its outputs "
                f"{left.tolist()[:10]} depends on another one's input, or on its own."
            )
        left = left[~free]


class ContextNetwork(Configurable, tf.Module):
    """Parameters that are free variables, plus what a network makes of the context, if there is.

    Args:
        initial: Initial values of the parameters, ``[P]``.
        network: A callable like `tfp_flows.networks.MLP`, or None.
    """

    def __init__(self, *, initial, network=None):
        super().__init__()
        self._free = tf.Variable(initial, name="parameters")
        self._network = network

    def __call__(self, context=None, training=False):
        """Returns ``[P]``, or ``[..., P]`` with a context."""
        if context is None:
            return tf.convert_to_tensor(self._free)
        flat = self._network(None, shapes.flatten_batch(context), training=training)
        return self._free + shapes.unflatten_batch(flat, context, 1, tuple(self._free.shape))
