"""From a small picture to a map at the places of a large one, as context of a flow."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.config import Configurable
from tfp_flows.networks.convolutional import ResidualConvNetwork


class PictureUpsampling(Configurable, tf.Module):
    """Small pictures ``[n, h, w, c]`` to maps ``[n, h * factor, w * factor, c + features]``.

    The first ``c`` channels are the picture itself, enlarged by cubic interpolation; the others
    what residual blocks of convolutions at the small size make of it, each place's features laid
    out over its block of large places.

    Source: the low-resolution encoder of SRFlow, Lugmayr et al. 2020, arXiv:2006.14200, section
    3.2; Shi et al. 2016, arXiv:1609.05158, section 3.2, for how features are laid out.

    Args:
        channels: Channels of the picture.
        factor: How many times larger the map is, along each axis.
        features: Channels that the network adds.
        hidden_units: Channels of its residual blocks, equal numbers, one for each block.
        levels: Number of values of an entry, which is taken to [-1, 1]; None for numbers that are
            of such a size already.
        activation: Activation of the network.
        dtype: Of the weights and of the output.
        compute_dtype: Of the convolutions.
        seed: Seed of the initial weights.
        name: Name of the module.

    Raises:
        ValueError: If a size is not positive.
    """

    def __init__(
        self,
        *,
        channels: int,
        factor: int,
        features: int = 32,
        hidden_units=(64, 64),
        levels: int | None = 256,
        activation="relu",
        dtype=tf.float32,
        compute_dtype=None,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._factor, features = shapes.as_shape([factor, features], "factor and features")
        self._levels, self.dtype = levels, shapes.as_float_dtype(dtype)
        self.output_size = channels + features
        self._network = ResidualConvNetwork(
            input_size=channels,
            output_size=features * self._factor**2,
            hidden_units=hidden_units,
            activation=activation,
            output_scale=1.0,
            dtype=self.dtype,
            compute_dtype=compute_dtype,
            seed=seed,
        )

    def __call__(self, picture):
        """Applies the network to ``[n, h, w, c]``, of known height and width."""
        picture = tf.cast(picture, self.dtype)
        if self._levels is not None:
            picture = picture * (2 / (self._levels - 1)) - 1
        rows, columns = (
            tf.constant(cubic_weights(size, self._factor), self.dtype)
            for size in picture.shape[1:3]
        )
        # As products: XLA has no cubic interpolation.
        large = tf.einsum("ih,nhwc,jw->nijc", rows, picture, columns)
        features = shapes.channels_to_blocks(self._network(picture), self._factor)
        return tf.concat([large, features], axis=-1)


def cubic_weights(size: int, factor: int) -> np.ndarray:
    """How much each of ``size`` places counts for ``size * factor``: ``[size * factor, size]``.

    Source: Keys 1981, "Cubic convolution interpolation for digital image processing", equation 15;
    beyond the ends weights are left out, and the others sum to 1.
    """
    at = (np.arange(size * factor) + 0.5) / factor - 0.5
    far = np.abs(at[:, None] - np.arange(size))
    near = (1.5 * far - 2.5) * far**2 + 1
    weights = np.where(far < 1, near, ((2.5 - 0.5 * far) * far - 4) * far + 2)
    weights = np.where(far < 2, weights, 0)
    return weights / weights.sum(axis=1, keepdims=True)
