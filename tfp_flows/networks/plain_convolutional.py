"""Convolutions with an activation between them, for bijectors of images and sequences."""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.activations import get_activation
from tfp_flows.config import Configurable
from tfp_flows.networks.convolution import convolve
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.numerics import bounded, narrowed, positive_bound


class ConvNetwork(Configurable, tf.Module):
    """Convolutions of one kernel size, ``[..., H, W, input_size]`` to ``[..., H, W, output_size]``.

    All keep height and width, padded with zeros; with ``kernel_size=1`` each place is seen by
    itself. The last one starts small, so that the bijector it conditions starts near the identity.

    Source: FastFlow, Yu et al. 2021, arXiv:2111.07677, section 3.2, with one hidden layer.

    Args:
        input_size: Channels of the input.
        output_size: Channels of the output.
        hidden_units: Channels of the layers between.
        kernel_size: Size of each convolution, odd.
        activation: Name of an elementwise function, or the function itself (not savable).
        context_shape: Shape of the context that joins the channels of the input: a vector, at all
            places alike, or a map ``(H, W, channels)``, of which the channels alone matter.
        input_bound: Inputs, not the context, are squashed into ``(-input_bound, input_bound)``;
            None leaves them.
        spatial_axes: 2 for images, 1 for sequences ``[..., T, input_size]``.
        dtype: Of the weights and of the output.
        compute_dtype: Of the convolutions, ``bfloat16`` or ``float16`` for mixed precision; the
            weights' dtype by default.
        output_scale: Factor on the initial weights of the last convolution.
        seed: Seed of the initial weights.
        name: Name of the module.

    Raises:
        ValueError: If a size or the bound is not positive, the kernel's size is even, or the
            context is neither vector nor map.
    """

    def __init__(
        self,
        *,
        input_size: int,
        output_size: int,
        hidden_units: Sequence[int] = (64,),
        kernel_size: int = 3,
        activation: str | Callable = "relu",
        context_shape: int | Sequence[int] | None = None,
        input_bound: float | None = None,
        spatial_axes: int = 2,
        dtype=tf.float32,
        compute_dtype=None,
        output_scale: float = 0.01,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if spatial_axes not in (1, 2):
            raise ValueError(f"spatial_axes must be 1 or 2, got {spatial_axes!r}.")
        if shapes.positive(kernel_size, "kernel_size") % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size!r}.")
        self.dtype = shapes.as_float_dtype(dtype)
        self._compute_dtype = self.dtype if compute_dtype is None else tf.as_dtype(compute_dtype)
        self._activation = get_activation(activation)
        self._input_bound = positive_bound(input_bound, "input_bound")
        self._context_is_vector, context_size = False, 0
        if context_shape is not None:
            context = shapes.as_shape(context_shape, "context_shape", free=True)
            if len(context) not in (1, spatial_axes + 1):
                raise ValueError(
                    "context_shape must be a vector or a map with the axes of the input, got "
                    f"{context_shape!r}."
                )
            self._context_is_vector, context_size = len(context) == 1, context[-1]
        generator = new_generator(seed)
        hidden = shapes.as_shape(hidden_units, "hidden_units")
        sizes = shapes.as_shape([input_size, *hidden, output_size], "sizes")
        inputs, window = [sizes[0] + context_size, *sizes[1:-1]], [kernel_size] * spatial_axes
        self._layers = []
        for i, (entering, leaving) in enumerate(zip(inputs, sizes[1:], strict=True)):
            fan_in = math.prod(window) * entering
            scale = output_scale if i == len(hidden) else 1.0
            drawn = [
                uniform(generator, shape, fan_in, scale)
                for shape in ([*window, entering, leaving], [leaving])
            ]
            self._layers.append(
                [
                    tf.Variable(tf.cast(value, self.dtype), name=f"layer_{i}_{part}")
                    for value, part in zip(drawn, ("kernel", "bias"), strict=True)
                ]
            )

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
        if context is not None:
            if self._context_is_vector:
                context = shapes.at_every_place(context, x)
            x = tf.concat([x, context], axis=-1)
        for i, weights in enumerate(self._layers):
            x = self._activation(x) if i else x
            kernel, bias = (tf.cast(weight, self._compute_dtype) for weight in weights)
            x = convolve(narrowed(x, self._compute_dtype), kernel) + bias
        return tf.cast(x, self.dtype)
