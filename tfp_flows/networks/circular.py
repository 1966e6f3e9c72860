"""A network of angles."""

import tensorflow as tf

from tfp_flows.config import Configurable
from tfp_flows.networks.mlp import MLP


class CircularMLP(Configurable, tf.Module):
    """An `MLP` of the cosines and sines of its input, so that it has no seam.

    Args:
        input_size: Number of angles, in radians.
        output_size: Size of the output.
        **options: Of `MLP`.
    """

    def __init__(self, *, input_size: int, output_size: int, **options):
        super().__init__(name=options.get("name"))
        self._network = MLP(input_size=2 * input_size, output_size=output_size, **options)

    def __call__(self, x, context=None, training=False):
        """Applies the network; shapes as in `MLP`."""
        return self._network(tf.concat([tf.cos(x), tf.sin(x)], axis=-1), context, training)
