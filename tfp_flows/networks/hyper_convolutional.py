"""The network of Blow's couplings: convolutions whose kernels a context gives."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.config import Configurable
from tfp_flows.networks.convolution import convolve, convolve_each
from tfp_flows.networks.initial import convolution_layer, new_generator, uniform
from tfp_flows.numerics import bounded, positive_bound


class HyperConvNetwork(Configurable, tf.Module):
    """Convolutions over sequences, ``[n, T, input_size]`` to ``[n, T, output_size]``.

    The first one filters each channel by itself, with kernels and offsets that are linear in the
    context; products of each place follow, with ReLU, and a convolution, which starts at zero, so
    that the bijector it conditions starts as the identity. Lengths are kept, padded with zeros.

    Source: Blow, Serrà et al. 2019, arXiv:1906.00794 (hyperconditioning).

    Args:
        input_size: Channels of the input.
        output_size: Channels of the output.
        context_size: Size of the context.
        hidden_units: Channels of the hidden layers, one or more.
        kernel_size: Size of the first and of the last convolution, odd.
        input_bound: Inputs are squashed into ``(-input_bound, input_bound)``; None leaves them.
        dtype: Of the weights and of the output.
        seed: Seed of the initial weights.
        name: Name of the module.

    Raises:
        ValueError: If a size or the bound is not positive, or the kernel's size is even.
    """

    def __init__(
        self,
        *,
        input_size: int,
        output_size: int,
        context_size: int,
        hidden_units=(64, 64),
        kernel_size: int = 3,
        input_bound: float | None = None,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        inputs, outputs, context, size = shapes.as_shape(
            [input_size, output_size, context_size, kernel_size], "sizes of a HyperConvNetwork"
        )
        if size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size!r}.")
        hidden = shapes.as_shape(hidden_units, "hidden_units")
        self._size, self._inputs = size, inputs
        self._input_bound = positive_bound(input_bound, "input_bound")
        self.dtype = shapes.as_float_dtype(dtype)
        generator = new_generator(seed)

        def layer(name, *shape, scale=1.0):
            return convolution_layer(generator, name, shape, self.dtype, scale)

        # What the context adds to the filters and the offset of each channel.
        kernel = uniform(generator, [context, (size + 1) * inputs], context)
        self._steering = tf.Variable(tf.cast(kernel, self.dtype), name="steering")
        first = uniform(generator, [size + 1, inputs], size)
        first[size // 2] += 1
        self._first = tf.Variable(tf.cast(first, self.dtype), name="first")
        sizes = zip((inputs, *hidden), hidden, strict=False)
        self._hidden = [layer(f"hidden_{i}", 1, *pair) for i, pair in enumerate(sizes)]
        self._last = layer("last", size, hidden[-1], outputs, scale=0.0)

    def __call__(self, x, context, training=False):
        """Applies the network.

        Args:
            x: ``[n, T, input_size]``.
            context: ``[n, context_size]``.
            training: Accepted for a uniform interface; nothing here depends on it.

        Returns:
            ``[n, T, output_size]`` in the dtype of the weights.
        """
        del training
        if self._input_bound is not None:
            x = bounded(x, self._input_bound)
        steered = tf.reshape(
            tf.matmul(context, self._steering), [-1, self._size + 1, 1, self._inputs]
        )
        # [size + 1, n, 1, input_size]: a filter of its own for each row.
        filters = tf.transpose(steered, [1, 0, 2, 3]) + self._first[:, None, None]
        x = convolve_each(x, filters[:-1]) + filters[-1]
        for kernel, bias in self._hidden:
            x = tf.nn.relu(convolve(x, kernel) + bias)
        kernel, bias = self._last
        return convolve(x, kernel) + bias
