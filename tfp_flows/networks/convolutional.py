"""A residual convolutional network for bijectors of images and sequences, in any Keras or none."""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.activations import get_activation
from tfp_flows.config import Configurable
from tfp_flows.networks.convolution import convolve
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.numerics import bounded, narrowed, positive_bound


class ResidualConvNetwork(Configurable, tf.Module):
    """Residual blocks of convolutions, ``[..., H, W, input_size]`` to ``[..., H, W, output_size]``.

    A convolution, then blocks ``h + conv(f(conv(f(h))))``, with what the context adds to a channel
    after the first convolution of each, then ``f`` and a last convolution. A vector as context adds
    the same to all places; a map, of the places of the input, adds at its own ones and joins the
    channels of the input. All convolutions keep height and width, padded with zeros. The last one
    starts at zero, so that the bijector it conditions starts as the identity. With ``downscale``
    all work on blocks of pixels laid into channels, which the output is laid out from again.

    Source: RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 3.5; He et al. 2016,
    arXiv:1603.05027.

    Args:
        input_size: Channels of the input.
        output_size: Channels of the output.
        hidden_units: Channels of the residual blocks, equal numbers, one for each.
        kernel_size: Size of the first and the last convolution, odd.
        block_kernel_sizes: Sizes of the convolutions of a block, odd.
        input_bound: Inputs are squashed into ``(-input_bound, input_bound)``; None leaves them.
        downscale: Factor by which height and width are smaller inside; it must divide them.
        activation: Name of an elementwise function, or the function itself (not savable).
        context_size: Size of a vector as context; 0 for none.
        context_shape: Shape of the context, a vector or a map ``(H, W, channels)``, of which the
            channels alone matter; may stand for ``context_size``.
        spatial_axes: 2 for images, 1 for sequences ``[..., T, input_size]``.
        dtype: Of the weights and of the output.
        compute_dtype: Of the convolutions, ``bfloat16`` or ``float16`` for mixed precision; the
            weights' dtype by default.
        output_scale: Factor on the initial weights of the last convolution.
        seed: Seed of the initial weights.
        name: Name of the module.

    Raises:
        ValueError: If ``hidden_units`` is empty or its numbers differ, a size or the bound is not
            positive, a kernel's size is even, or the context is neither vector nor map.
    """

    def __init__(
        self,
        *,
        input_size: int,
        output_size: int,
        hidden_units: Sequence[int] = (64, 64),
        kernel_size: int = 3,
        block_kernel_sizes: Sequence[int] = (3, 3),
        input_bound: float | None = None,
        downscale: int = 1,
        activation: str | Callable = "relu",
        context_size: int = 0,
        context_shape: int | Sequence[int] | None = None,
        spatial_axes: int = 2,
        dtype=tf.float32,
        compute_dtype=None,
        output_scale: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        hidden = shapes.as_shape(hidden_units, "hidden_units")
        if len(set(hidden)) != 1:
            raise ValueError(
                "hidden_units of a ResidualConvNetwork are equal numbers of channels, one for each "
                f"residual block, got {hidden_units!r}."
            )
        input_size, output_size = shapes.as_shape([input_size, output_size], "input and output")
        outer, *inner = shapes.as_shape([kernel_size, *block_kernel_sizes], "kernel sizes")
        if not inner or any(size % 2 == 0 for size in (outer, *inner)):
            raise ValueError(
                "kernel_size and block_kernel_sizes must be odd, at least one a block, got "
                f"{kernel_size!r} and {block_kernel_sizes!r}."
            )
        self._input_bound = positive_bound(input_bound, "input_bound")
        (self._downscale,) = shapes.as_shape(downscale, "downscale")
        if spatial_axes not in (1, 2):
            raise ValueError(f"spatial_axes must be 1 or 2, got {spatial_axes!r}.")
        block = downscale**spatial_axes
        input_size, output_size = input_size * block, output_size * block
        self._joins_context = False
        if context_shape is not None:
            context = shapes.as_shape(context_shape, "context_shape", free=True)
            if context_size or len(context) not in (1, spatial_axes + 1):
                raise ValueError(
                    "context_shape must be a vector or a map with the axes of the input, and "
                    f"stands for context_size, got {context_shape!r} and {context_size!r}."
                )
            self._joins_context = len(context) > 1
            context_size = context[-1] * (block if self._joins_context else 1)
            input_size += context_size if self._joins_context else 0
        self.dtype = shapes.as_float_dtype(dtype)
        self._compute_dtype = self.dtype if compute_dtype is None else tf.as_dtype(compute_dtype)
        self._activation = get_activation(activation)
        generator, channels = new_generator(seed), hidden[0]

        def convolution(name, size, inputs, outputs, scale=1.0):
            window = [size] * spatial_axes
            fan_in = math.prod(window) * inputs
            kernel = uniform(generator, [*window, inputs, outputs], fan_in, scale)
            bias = uniform(generator, [outputs], fan_in, scale)
            return (
                tf.Variable(tf.cast(kernel, self.dtype), name=f"{name}_kernel"),
                tf.Variable(tf.cast(bias, self.dtype), name=f"{name}_bias"),
            )

        self._first = convolution("first", outer, input_size, channels)
        self._blocks, self._context_kernels = [], []
        for i in range(len(hidden)):
            self._blocks.append(
                [
                    convolution(f"block_{i}_{j}", size, channels, channels)
                    for j, size in enumerate(inner)
                ]
            )
            if context_size:
                kernel = uniform(generator, [context_size, channels], context_size)
                kernel = tf.Variable(tf.cast(kernel, self.dtype), name=f"block_{i}_context")
                self._context_kernels.append(kernel)
        self._last = convolution("last", outer, channels, output_size, output_scale)

    def __call__(self, x, context=None, training=False):
        """Applies the network.

        Args:
            x: ``[n, H, W, input_size]``.
            context: ``[n, context_size]`` or ``[n, H, W, channels]``, if the network takes one.
            training: Accepted for a uniform interface; nothing here depends on it.

        Returns:
            ``[n, H, W, output_size]`` in the dtype of the weights.
        """
        del training
        if self._input_bound is not None:
            x = bounded(x, self._input_bound)
        if self._downscale > 1:
            x = shapes.blocks_to_channels(x, self._downscale)
        if self._joins_context:
            if self._downscale > 1:
                context = shapes.blocks_to_channels(context, self._downscale)
            x = tf.concat([x, context], axis=-1)
        hidden = self._convolve(x, self._first)
        for i, block in enumerate(self._blocks):
            inner = hidden
            for j, weights in enumerate(block):
                inner = self._convolve(self._activation(inner), weights)
                if context is not None and j == 0:
                    inner += self._of_context(context, self._context_kernels[i])
            hidden += inner
        output = self._convolve(self._activation(hidden), self._last)
        if self._downscale > 1:
            output = shapes.channels_to_blocks(output, self._downscale)
        return tf.cast(output, self.dtype)

    def _convolve(self, x, weights):
        kernel, bias = (tf.cast(weight, self._compute_dtype) for weight in weights)
        return convolve(narrowed(x, self._compute_dtype), kernel) + bias

    def _of_context(self, context, kernel):
        context = narrowed(context, self._compute_dtype)
        kernel = tf.cast(kernel, self._compute_dtype)
        ones = [1] * (self._first[0].shape.rank - 2)
        if self._joins_context:
            return convolve(context, tf.reshape(kernel, [*ones, *kernel.shape]))
        return tf.matmul(context, kernel)[(slice(None), *[None] * len(ones))]
