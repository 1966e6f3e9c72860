"""The network of WaveGlow's couplings: dilated convolutions with gates, over sequences."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.config import Configurable
from tfp_flows.networks.convolution import convolve, convolve_each
from tfp_flows.networks.initial import convolution_layer, new_generator, uniform
from tfp_flows.numerics import bounded, positive_bound


class WaveNet(Configurable, tf.Module):
    """A WaveNet that sees both past and future, ``[n, T, input_size]`` to ``[n, T, output_size]``.

    Layer ``i`` of ``num_layers`` is a convolution of dilation ``2^i`` (1 again after ``cycle``
    layers), what the context adds, the gate ``tanh(a) sigmoid(b)``, and a product whose halves go
    on (residual) and out (skip). One product of the context serves all layers. Lengths are kept,
    padded with zeros. The last layer starts at zero, so that the bijector it conditions starts as
    the identity. Weights are not normalised, as they are in the authors' code.

    Source: WaveGlow, Prenger et al. 2018, arXiv:1811.00002, sections 2.1 and 3.2; WaveNet, van den
    Oord et al. 2016, arXiv:1609.03499, section 2.3; ``separable``: SqueezeWave, Zhai et al. 2020,
    arXiv:2001.05685, section 3.

    Args:
        input_size: Channels of the input.
        output_size: Channels of the output.
        channels: Channels of the residual and skip paths.
        num_layers: Number of layers.
        kernel_size: Size of the dilated convolutions, odd.
        cycle: Layers after which dilations start again at 1; None for never.
        separable: Whether each dilated convolution is one of each channel by itself and a product.
        input_bound: Inputs are squashed into ``(-input_bound, input_bound)``; None leaves them.
        context_shape: Shape of the context, a vector or a map ``(T, channels)``; None for none.
        dtype: Of the weights and of the output.
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
        channels: int = 64,
        num_layers: int = 8,
        kernel_size: int = 3,
        cycle: int | None = None,
        separable: bool = False,
        input_bound: float | None = None,
        context_shape=None,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        input_size, output_size, channels, num_layers, size = shapes.as_shape(
            [input_size, output_size, channels, num_layers, kernel_size], "sizes of a WaveNet"
        )
        if size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size!r}.")
        self._cycle = num_layers if cycle is None else shapes.positive(cycle, "cycle")
        self._input_bound = positive_bound(input_bound, "input_bound")
        self.dtype = shapes.as_float_dtype(dtype)
        generator, self._context = new_generator(seed), None
        self._separable, self._channels = bool(separable), channels

        def layer(name, inputs, outputs, *, window=1, scale=1.0):
            shape = (window, inputs, outputs)
            return convolution_layer(generator, name, shape, self.dtype, scale)

        if context_shape is not None:
            shape = shapes.as_shape(context_shape, "context_shape", free=True)
            if len(shape) not in (1, 2):
                raise ValueError(f"context_shape must be a vector or a map, got {context_shape!r}.")
            self._context = layer("context", shape[-1], num_layers * 2 * channels)
        self._first = layer("first", input_size, channels)
        self._gates, self._each, self._paths = [], [], []
        for i in range(num_layers):
            window = 1 if separable else size
            self._gates.append(layer(f"gate_{i}", channels, 2 * channels, window=window))
            if separable:
                kernel = tf.cast(uniform(generator, [size, channels], size), self.dtype)
                self._each.append(tf.Variable(kernel, name=f"each_{i}"))
            outputs = 2 * channels if i + 1 < num_layers else channels
            self._paths.append(layer(f"path_{i}", channels, outputs))
        self._last = layer("last", channels, output_size, scale=0.0)

    def __call__(self, x, context=None, training=False):
        """Applies the network.

        Args:
            x: ``[n, T, input_size]``.
            context: ``[n, size]`` or ``[n, T, channels]``, if the network takes one.
            training: Accepted for a uniform interface; nothing here depends on it.

        Returns:
            ``[n, T, output_size]`` in the dtype of the weights.
        """
        del training
        if self._input_bound is not None:
            x = bounded(x, self._input_bound)
        added = [None] * len(self._gates)
        if self._context is not None:
            context = context if context.shape.rank == 3 else context[:, None]
            added = tf.split(_layer(context, self._context), len(added), axis=-1)
        hidden, total = _layer(x, self._first), None
        for i, (gate, path) in enumerate(zip(self._gates, self._paths, strict=True)):
            dilation = 2 ** (i % self._cycle)
            inner = hidden
            if self._separable:
                inner = convolve_each(inner, self._each[i], dilation)
            inner = _layer(inner, gate, dilation)
            inner = inner if added[i] is None else inner + added[i]
            values, gates = tf.split(inner, 2, axis=-1)
            paths = _layer(tf.tanh(values) * tf.sigmoid(gates), path)
            if i + 1 < len(self._gates):
                residual, paths = tf.split(paths, 2, axis=-1)
                hidden += residual
            total = paths if total is None else total + paths
        return _layer(total, self._last)


class MelUpsampling(Configurable, tf.Module):
    """Frames of a spectrogram ``[n, T / hop, bands]`` to ``[n, T, channels]``, one a sample.

    Convolutions over frames, the last of which gives all samples of a frame at once: a transposed
    convolution of stride ``hop`` whose window is ``kernel_size`` frames.

    Args:
        bands: Channels of a frame.
        hop: Samples of a frame.
        channels: Channels of a sample.
        hidden_units: Channels of further convolutions before, with ReLU.
        kernel_size: Frames that each convolution sees, odd.
        dtype: Of the weights and of the output.
        seed: Seed of the initial weights.
        name: Name of the module.

    Raises:
        ValueError: If a size is not positive or the kernel's size is even.
    """

    def __init__(
        self,
        *,
        bands: int,
        hop: int,
        channels: int,
        hidden_units=(),
        kernel_size: int = 3,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        bands, hop, channels, size = shapes.as_shape(
            [bands, hop, channels, kernel_size], "sizes of a MelUpsampling"
        )
        if size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size!r}.")
        hidden = shapes.as_shape(hidden_units, "hidden_units") if len(hidden_units) else ()
        self._hop, self._channels = hop, channels
        self.dtype = shapes.as_float_dtype(dtype)
        generator, self._layers, inputs = new_generator(seed), [], bands
        for i, outputs in enumerate((*hidden, hop * channels)):
            kernel = uniform(generator, [size, inputs, outputs], size * inputs)
            bias = uniform(generator, [outputs], size * inputs)
            self._layers.append(
                (
                    tf.Variable(tf.cast(kernel, self.dtype), name=f"kernel_{i}"),
                    tf.Variable(tf.cast(bias, self.dtype), name=f"bias_{i}"),
                )
            )
            inputs = outputs

    def __call__(self, frames):
        """Applies the network to ``[n, F, bands]``; returns ``[n, F * hop, channels]``."""
        for weights in self._layers[:-1]:
            frames = tf.nn.relu(_layer(frames, weights))
        frames = _layer(frames, self._layers[-1])
        rows, length, _ = shapes.sizes(frames, range(3))
        return tf.reshape(frames, [rows, length * self._hop, self._channels])


def _layer(x, weights, dilation=1):
    kernel, bias = weights
    return convolve(x, kernel, dilation) + bias
