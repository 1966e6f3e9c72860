"""A fully connected network that any bijector can use, in any Keras or none."""

import itertools
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.activations import get_activation
from tfp_flows.config import Configurable
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.numerics import bounded, narrowed, positive_bound


class MLP(Configurable, tf.Module):
    """A multi-layer perceptron, ``[..., input_size]`` to ``[..., output_size]``.

    Of images and sequences it sees each place by itself.

    The last layer starts small, so that the bijector it conditions starts near the identity while
    every weight already has a gradient.

    Args:
        input_size: Size of the input; 0 for a network of the context alone.
        output_size: Size of the output.
        hidden_units: Sizes of the hidden layers.
        activation: Name of an elementwise function, or the function itself (not savable).
        context_size: Size of the context that joins the first layer; 0 for none.
        dtype: Of the weights and of the output.
        compute_dtype: Of the matrix products, ``bfloat16`` or ``float16`` for mixed precision;
            the weights' dtype by default.
        output_scale: Factor on the initial weights and biases of the last layer.
        input_bound: The input, not the context, is squashed into ``(-input_bound, input_bound)``;
            None leaves it.
        seed: Seed of the initial weights.
        name: Name of the module.
    """

    def __init__(
        self,
        *,
        input_size: int,
        output_size: int,
        hidden_units: Sequence[int] = (64, 64),
        activation: str | Callable = "relu",
        context_size: int = 0,
        dtype=tf.float32,
        compute_dtype=None,
        output_scale: float = 0.01,
        input_bound: float | None = None,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.input_size, self.output_size = int(input_size), int(output_size)
        self.context_size = int(context_size)
        if self.input_size + self.context_size < 1:
            raise ValueError("An MLP needs an input or a context, got sizes 0 and 0.")
        self.dtype = shapes.as_float_dtype(dtype)
        self._compute_dtype = self.dtype if compute_dtype is None else tf.as_dtype(compute_dtype)
        self._activation = get_activation(activation)
        self._input_bound = positive_bound(input_bound, "input_bound")
        hidden = list(shapes.as_shape(hidden_units, "hidden_units"))
        generator = new_generator(seed)
        sizes = [self.input_size + self.context_size, *hidden, self.output_size]
        self._kernels, self._biases = [], []
        for i, (rows, columns) in enumerate(itertools.pairwise(sizes)):
            scale = output_scale if i == len(hidden) else 1.0
            kernel = uniform(generator, [rows, columns], rows, scale)
            bias = uniform(generator, [columns], rows, scale)
            self._kernels.append(tf.Variable(tf.cast(kernel, self.dtype), name=f"kernel_{i}"))
            self._biases.append(tf.Variable(tf.cast(bias, self.dtype), name=f"bias_{i}"))

    def __call__(self, x, context=None, training=False):
        """Applies the network.

        Args:
            x: ``[n, *places, input_size]``, or None if there is no input but the context.
            context: ``[n, context_size]``, or ``[n, *places, context_size]``, if the network takes
                one.
            training: Accepted for a uniform interface; nothing here depends on it.

        Returns:
            ``[n, *places, output_size]`` in the dtype of the weights.
        """
        if x is not None and x.shape.rank > 2:
            context = None if context is None else shapes.at_every_place(context, x)
            flat = [None if part is None else shapes.flatten_batch(part) for part in (x, context)]
            return shapes.unflatten_batch(self(*flat, training), x, 1, (self.output_size,))
        del training
        if x is not None and self._input_bound is not None:
            x = bounded(x, self._input_bound)
        parts = [part for part in (x, context) if part is not None]
        hidden = tf.concat(parts, axis=-1) if len(parts) > 1 else parts[0]
        last = len(self._kernels) - 1
        for i, (kernel, bias) in enumerate(zip(self._kernels, self._biases, strict=True)):
            hidden = narrowed(hidden, self._compute_dtype)
            product = tf.matmul(hidden, tf.cast(kernel, self._compute_dtype))
            hidden = tf.nn.bias_add(product, tf.cast(bias, self._compute_dtype))
            if i < last:
                hidden = self._activation(hidden)
        return tf.cast(hidden, self.dtype)
