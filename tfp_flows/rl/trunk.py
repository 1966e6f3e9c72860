"""The network that looks at observations."""

from collections.abc import Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.config import Configurable
from tfp_flows.errors import InputError
from tfp_flows.networks import MLP


class Trunk(Configurable, tf.Module):
    """Fully connected layers, all of them with ReLU: ``[n, input_size]`` to ``[n, hidden[-1]]``.

    Args:
        input_size: Size of the input.
        hidden_units: Sizes of the layers.
        dtype: Of the weights.
        seed: Seed of the initial weights.
    """

    def __init__(
        self,
        *,
        input_size: int,
        hidden_units: Sequence[int] = (256, 256),
        dtype=tf.float32,
        seed: int | None = None,
    ):
        super().__init__(name="trunk")
        *inner, last = shapes.as_shape(hidden_units, "hidden_units")
        self._network = MLP(
            input_size=input_size,
            output_size=last,
            hidden_units=inner,
            dtype=dtype,
            output_scale=1.0,
            seed=seed,
        )

    def __call__(self, x):
        """Applies the layers."""
        return tf.nn.relu(self._network(x))


def features(network, context_shape: tuple[int, ...], dtype) -> int:
    """Size of what a network makes of an observation.

    Raises:
        InputError: If it is no vector.
    """
    seen = tf.convert_to_tensor(network(tf.zeros([1, *context_shape], dtype)))
    if seen.shape.rank != 2:
        raise InputError(
            f"An embedding makes a vector of each observation, this one returns {seen.shape[1:]}; "
            "end it with a Flatten layer."
        )
    return seen.shape[1]
