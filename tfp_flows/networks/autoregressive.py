"""MADE with its masks in the forward pass."""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.activations import ACTIVATIONS, get_activation
from tfp_flows.errors import unknown_name
from tfp_flows.keras_worlds import keras_of_tfp
from tfp_flows.networks.initial import uniform
from tfp_flows.networks.masked_product import Mask, masked_product
from tfp_flows.networks.stack import Stack, Structure, pre_activations
from tfp_flows.numerics import narrowed, permute, positive_bound
from tfp_flows.shapes import as_shape, flatten_batch, unflatten_batch


def input_degrees(size: int, order) -> np.ndarray:
    """Degrees 1 to ``size`` of the inputs: an input is seen by outputs of higher degree.

    Args:
        size: Number of inputs.
        order: ``"left-to-right"``, ``"right-to-left"``, ``"random"``, or the degrees themselves.

    Raises:
        ValueError: If explicit degrees are not a permutation of 1 to ``size``.
    """
    if isinstance(order, str):
        if order == "left-to-right":
            return np.arange(1, size + 1)
        if order == "right-to-left":
            return np.arange(size, 0, -1)
        if order == "random":
            return np.random.permutation(size) + 1  # noqa: NPY002
        raise unknown_name("input_order", order, ("left-to-right", "right-to-left", "random"))
    degrees = np.asarray(order)
    if not np.array_equal(np.sort(degrees), np.arange(1, size + 1)):
        raise ValueError(f"input_order must be a permutation of 1 to {size}, got {order!r}.")
    return degrees.astype(np.int64)


def hidden_degrees(kind, units: Sequence[int], size: int, smallest: int) -> list[np.ndarray]:
    """Degrees of the hidden units, ascending in each layer, from ``smallest`` to ``size - 1``.

    Degree 0 sees the context alone. Without it the output of degree 1 would not depend on the
    context at all.
    """
    largest = max(size - 1, smallest)
    if not isinstance(kind, str):
        degrees = [np.asarray(layer, np.int64) for layer in kind]
        if [len(layer) for layer in degrees] != list(units):
            raise ValueError(f"hidden_degrees must match hidden_units {list(units)}.")
        if any(layer.size and (layer.min() < 0 or layer.max() > largest) for layer in degrees):
            raise ValueError(f"hidden_degrees must lie between 0 and {largest}.")
        return degrees
    span = largest - smallest + 1
    if kind == "equal":
        return [smallest + np.arange(count) * span // count for count in units]
    if kind == "random":
        draw = np.random.randint
        return [np.sort(draw(smallest, largest + 1, count)) for count in units]
    raise unknown_name("hidden_degrees", kind, ("equal", "random"))


class AutoregressiveNetwork(tfp.bijectors.AutoregressiveNetwork):
    """A masked network whose output ``i`` depends only on inputs of lower degree, and the context.

    The constructor is that of `tfb.AutoregressiveNetwork`, and it can stand wherever that one
    does. What differs:

    - The masks are applied in the forward pass, so no optimiser, weight average or assignment can
      break the autoregressive property.
    - The context has degree 0 and hidden degrees start there, so that every output, the first one
      included, depends on the context through the hidden layers.
    - With ``event_shape`` given, all variables exist after the constructor.
    - The default activation is ReLU; TFP's is linear.
    - The input order and the degrees, drawn at random or not, are part of the configuration.
    - Half-precision policies compute the products in half precision and return the dtype of the
      weights.

    Source: Germain et al. 2015, arXiv:1502.03509.

    Args:
        params: Number of outputs for each input.
        event_shape: Size of the event, an ``int`` or a list of one.
        conditional: Whether a context is given, as ``conditional_input``.
        conditional_event_shape: Size of the context.
        conditional_input_layers: ``"all_layers"`` or ``"first_layer"``.
        hidden_units: Sizes of the hidden layers.
        input_order: ``"left-to-right"``, ``"right-to-left"``, ``"random"`` or explicit degrees.
        hidden_degrees: ``"equal"``, ``"random"`` or a list of arrays, one a layer.
        activation: Name of an elementwise function, or the function.
        use_bias: Whether layers have biases.
        kernel_initializer: As in a Dense layer.
        bias_initializer: As in a Dense layer.
        kernel_regularizer: As in a Dense layer.
        bias_regularizer: As in a Dense layer.
        kernel_constraint: As in a Dense layer.
        bias_constraint: As in a Dense layer.
        validate_args: Kept for compatibility.
        output_scale: Factor on the initial kernels of the last layer (and on what `draw` gives its
            biases); a small one starts the flow near the identity.
        residual: Whether the hidden layers after the first form residual blocks of two (Nash and
            Durkan 2019, arXiv:1904.05626, section 3): an odd number of layers of equal size.
        input_bound: Inputs, not the context, are squashed into ``(-input_bound, input_bound)``;
            None leaves them.
        **kwargs: ``name``, ``dtype`` and ``trainable`` of a Keras layer.
    """

    def __init__(
        self,
        params,
        event_shape=None,
        conditional=False,
        conditional_event_shape=None,
        conditional_input_layers="all_layers",
        hidden_units=None,
        input_order="left-to-right",
        hidden_degrees="equal",
        activation="relu",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        validate_args=False,
        output_scale=1.0,
        residual=False,
        input_bound=None,
        **kwargs,
    ):
        hidden_units = list(as_shape(hidden_units or (), "hidden_units"))
        if residual and (len(hidden_units) % 2 == 0 or len(set(hidden_units)) > 1):
            raise ValueError(
                "A residual network needs an odd number of hidden layers of equal size (one, and "
                f"two for each block), got hidden_units={hidden_units}."
            )
        super().__init__(
            params,
            event_shape=event_shape,
            conditional=conditional,
            conditional_event_shape=conditional_event_shape,
            conditional_input_layers=conditional_input_layers,
            hidden_units=hidden_units,
            input_order=input_order,
            hidden_degrees=hidden_degrees,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            validate_args=validate_args,
            **kwargs,
        )
        self._output_scale, self._residual = float(output_scale), bool(residual)
        self._input_bound = positive_bound(input_bound, "input_bound")
        # A dictionary is what Keras wrote for a registered function.
        written = isinstance(activation, dict)
        self._activation_function = get_activation(
            keras_of_tfp.activations.get(activation) if written else activation
        )
        if self._event_shape is not None:
            self.build([None, self._event_size])

    @property
    def params(self) -> int:
        """Number of outputs for each input."""
        return self._params

    @property
    def event_shape(self) -> list[int] | None:
        """Shape of the event; None before an unspecified one is inferred."""
        return self._event_shape

    @property
    def degrees(self) -> list[np.ndarray]:
        """Degrees of the inputs and of each hidden layer."""
        return [self._input_order, *self._layer_degrees]

    def build(self, input_shape):
        """Makes the masks and all variables."""
        if self.built:
            return
        size = int(input_shape[-1]) if self._event_shape is None else self._event_size
        if int(input_shape[-1]) != size:
            raise ValueError(f"Expected inputs of size {size}, got shape {tuple(input_shape)}.")
        self._event_shape, self._event_size, self._event_ndims = [size], size, 1
        order = input_degrees(size, self._input_order_param)
        smallest = 0 if self._conditional or size == 1 else 1
        layers = hidden_degrees(self._hidden_degrees, self._hidden_units, size, smallest)
        if self._residual and any(not np.array_equal(layer, layers[0]) for layer in layers):
            raise ValueError("A residual network needs the same hidden_degrees in all layers.")
        self._input_order, self._layer_degrees = order, layers
        # An output sees lower degrees than its own, a hidden unit its own too.
        after = [*layers, np.repeat(order - 1, self._params)]
        self._masks = [
            Mask(earlier, later) for earlier, later in zip([order, *layers], after, strict=True)
        ]
        self._multiply = [masked_product(mask) for mask in self._masks]
        with tf.init_scope():
            self._build_layers()
        keras_of_tfp.layers.Layer.build(self, input_shape)

    def _build_layers(self):
        kernel_options = {
            "regularizer": keras_of_tfp.regularizers.get(self._kernel_regularizer),
            "constraint": self._kernel_constraint,
        }
        self._kernels, self._biases, self._context_kernels = [], [], []
        count = len(self._masks)
        for k, mask in enumerate(mask.array() for mask in self._masks):
            scale = self._output_scale if k == count - 1 else 1.0
            kernel = self.add_weight(
                f"kernel_{k}",
                mask.shape,
                initializer=self._masked_initializer(mask, scale),
                **kernel_options,
            )
            self._kernels.append(kernel)
            if self._use_bias:
                bias = self.add_weight(
                    f"bias_{k}",
                    mask.shape[1:],
                    initializer=keras_of_tfp.initializers.get(self._bias_initializer),
                    regularizer=keras_of_tfp.regularizers.get(self._bias_regularizer),
                    constraint=keras_of_tfp.constraints.get(self._bias_constraint),
                )
                self._biases.append(bias)
            if self._conditional and (k == 0 or self._conditional_layers == "all_layers"):
                shape = (self._conditional_size, mask.shape[1])
                context_kernel = self.add_weight(
                    f"context_kernel_{k}",
                    shape,
                    initializer=self._masked_initializer(np.ones(shape), scale),
                    **kernel_options,
                )
                self._context_kernels.append(context_kernel)

    def _masked_initializer(self, mask, scale):
        initializer = keras_of_tfp.initializers.get(self._kernel_initializer)

        def initialize(shape, dtype=None, **_):
            return tf.cast(mask * scale, dtype) * initializer(shape, dtype)

        return initialize

    def draw(self, generator: np.random.Generator):
        """Draws all weights anew, uniform within one over the square root of the fan-in.

        Args:
            generator: Source of the numbers. Unlike a seeded Keras initializer it gives layers of
                one shape different weights.
        """
        contexts = self._conditional_size if self._conditional else 0
        for k, mask in enumerate(mask.array() for mask in self._masks):
            joined = self._context_kernels[k : k + 1]
            fan_in = mask.shape[0] + contexts * len(joined)
            scale = self._output_scale if k == len(self._masks) - 1 else 1.0
            self._kernels[k].assign(mask * uniform(generator, mask.shape, fan_in, scale))
            for bias in self._biases[k : k + 1]:
                bias.assign(uniform(generator, bias.shape, fan_in, scale))
            for kernel in joined:
                kernel.assign(uniform(generator, kernel.shape, fan_in, scale))

    def call(self, x, conditional_input=None):
        """Applies the network.

        Args:
            x: ``[..., event_size]``.
            conditional_input: ``[..., context_size]``, whose batch axes broadcast against ``x``.

        Returns:
            ``[..., event_size, params]``.

        Raises:
            ValueError: If a conditional network gets no ``conditional_input``, or the reverse.
        """
        if self._conditional == (conditional_input is None):
            state = "needs" if self._conditional else "was built without"
            raise ValueError(f"{self.name} {state} conditional_input.")
        x = tf.convert_to_tensor(x)
        products = [
            functools.partial(
                _product, multiply=multiply, kernel=tf.cast(kernel, self.compute_dtype)
            )
            for multiply, kernel in zip(self._multiply, self._kernels, strict=True)
        ]
        offsets = self._offsets(conditional_input)
        output = pre_activations(self._structure(), products, offsets, x)[-1]
        output = tf.cast(output, self.variable_dtype)
        return unflatten_batch(output, output, 1, (self._event_size, self._params))

    def stack(self, conditional_input=None) -> Stack:
        """The network laid open, with coordinates and hidden units by ascending degree.

        Args:
            conditional_input: ``[n, context_size]`` of a conditional network.
        """
        degrees = [self._input_order, *self._layer_degrees]
        orders = [np.argsort(layer, kind="stable") for layer in degrees]
        places = [np.argsort(order) for order in orders]
        orders.append(_each(orders[0], self._params))
        places.append(_each(places[0], self._params))
        kernels = [
            permute(permute(kernel, orders[k], places[k], 0), orders[k + 1], places[k + 1])
            for k, kernel in enumerate(self._masked())
        ]
        offsets = [
            permute(offset, orders[k + 1], places[k + 1])
            for k, offset in enumerate(self._offsets(conditional_input))
        ]
        return Stack(self._structure(), tuple(kernels), tuple(offsets))

    def _structure(self):
        return Structure(
            degrees=tuple(tuple(np.sort(layer).tolist()) for layer in self._layer_degrees),
            size=self._event_size,
            params=self._params,
            activation=self._activation_function,
            residual=self._residual,
            input_bound=self._input_bound,
        )

    def _masked(self):
        return [
            mask.apply(tf.cast(kernel, self.compute_dtype))
            for kernel, mask in zip(self._kernels, self._masks, strict=True)
        ]

    def _offsets(self, context):
        offsets = [tf.zeros(mask.columns.shape, self.compute_dtype) for mask in self._masks]
        if self._use_bias:
            offsets = [tf.cast(bias, self.compute_dtype) for bias in self._biases]
        if context is not None:
            context = tf.convert_to_tensor(context)
            for k, kernel in enumerate(self._context_kernels):
                offsets[k] = offsets[k] + _product(
                    context, tf.matmul, tf.cast(kernel, self.compute_dtype)
                )
        return offsets

    def get_config(self):
        """Returns the constructor's arguments, with the order and the degrees that were drawn."""
        built = self._input_order is not None
        config = keras_of_tfp.layers.Layer.get_config(self)
        config.update(
            params=self._params,
            event_shape=self._event_shape,
            conditional=self._conditional,
            conditional_event_shape=self._conditional_event_shape,
            conditional_input_layers=self._conditional_layers,
            hidden_units=list(self._hidden_units),
            input_order=self._input_order.tolist() if built else self._input_order_param,
            hidden_degrees=(
                [layer.tolist() for layer in self._layer_degrees] if built else self._hidden_degrees
            ),
            activation=_written_activation(self._activation),
            use_bias=self._use_bias,
            kernel_initializer=_written(keras_of_tfp.initializers, self._kernel_initializer),
            bias_initializer=_written(keras_of_tfp.initializers, self._bias_initializer),
            kernel_regularizer=_written(keras_of_tfp.regularizers, self._kernel_regularizer),
            bias_regularizer=_written(keras_of_tfp.regularizers, self._bias_regularizer),
            kernel_constraint=_written(keras_of_tfp.constraints, self._kernel_constraint),
            bias_constraint=_written(keras_of_tfp.constraints, self._bias_constraint),
            validate_args=self._validate_args,
            output_scale=self._output_scale,
            residual=self._residual,
            input_bound=self._input_bound,
        )
        return config


def _written(module, value):
    return value if value is None or isinstance(value, str) else module.serialize(value)


def _written_activation(activation):
    if activation is None or isinstance(activation, str):
        return activation
    for name, function in ACTIVATIONS.items():
        if function is activation:
            return name
    return keras_of_tfp.activations.serialize(activation)


def _each(order, count):
    """The order of groups of ``count`` neighbours."""
    return (order[:, None] * count + np.arange(count)).ravel()


def _product(x, multiply, kernel):
    """The product for any batch rank, as one of matrices."""
    x = narrowed(x, kernel.dtype)
    if x.shape.rank == 2:
        return multiply(x, kernel)
    return unflatten_batch(multiply(flatten_batch(x), kernel), x, 1, (kernel.shape[1],))
