"""Fixed permutations of a vector, or of channels."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.places import over_places
from tfp_flows.errors import unknown_name
from tfp_flows.networks.initial import new_generator
from tfp_flows.numerics import permute


class Permutation(Bijector):
    """``y[..., i] = x[..., permutation[i]]``; the permutation is part of the configuration.

    Args:
        event_shape: Size of the event, a vector; or a shape whose last axis, the channels, is
            permuted. Other lengths may be free, None.
        permutation: ``"reverse"``, ``"random"``, or the indices.
        seed: Seed of a random permutation.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the indices are not a permutation of 0 to the size less one.
    """

    free_lengths = True

    def __init__(
        self, *, event_shape, permutation="reverse", seed=None, dtype=tf.float32, name=None
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        size = self.event_shape[-1]
        self._reverse = isinstance(permutation, str) and permutation == "reverse"
        if self._reverse:
            indices = np.arange(size)[::-1]
        elif isinstance(permutation, str):
            if permutation != "random":
                raise unknown_name("permutation", permutation, ("reverse", "random"))
            indices = new_generator(seed).permutation(size)
        else:
            indices = np.asarray(permutation)
            if not np.array_equal(np.sort(indices), np.arange(size)):
                raise ValueError(
                    f"permutation must hold each of 0 to {size - 1} once, got {permutation!r}."
                )
        self.permutation = np.array(indices, np.int32)
        self._back = np.argsort(self.permutation).astype(np.int32)

    def get_config(self):
        """Returns the constructor's arguments, with the permutation that was drawn."""
        config = super().get_config()
        if not self._reverse:
            config["permutation"] = self.permutation.tolist()
        return config

    def _forward_and_log_det(self, x, context, training):
        return self._move(x, self.permutation, self._back), self._zero(x)

    def _inverse_and_log_det(self, y, context, training):
        return self._move(y, self._back, self.permutation), self._zero(y)

    def _inverse_and_log_det_map(self, y, context, training):
        x = self._move(y, self._back, self.permutation)
        return x, over_places(y, tf.zeros([], self.dtype))

    def _move(self, value, there, back):
        return tf.reverse(value, axis=[-1]) if self._reverse else permute(value, there, back)

    def _zero(self, value):
        return tf.zeros(shapes.batch_shape_tensor(value, len(self.event_shape)), self.dtype)
