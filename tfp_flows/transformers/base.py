"""The contract of a transformer: a monotone scalar map with parameters, applied coordinatewise."""

import tensorflow as tf

from tfp_flows.config import Configurable


class Transformer(Configurable):
    """A strictly monotone map of a scalar, with ``num_parameters`` parameters a coordinate.

    It has no weights: a conditioner predicts the parameters. Parameters equal to zero should give
    a map near the identity, and every real parameter a valid one. Transformers of one class with
    the same arguments are equal, so that bijectors share what is compiled for them.
    """

    num_parameters: int

    def __eq__(self, other):
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(type(self))

    def forward(self, x: tf.Tensor, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Maps latent to data.

        Args:
            x: ``[..., D]``.
            parameters: ``[..., D, num_parameters]``.

        Returns:
            ``y`` and ``log|dy/dx|`` in nats, both ``[..., D]``.
        """
        raise NotImplementedError

    def inverse(self, y: tf.Tensor, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Maps data to latent: ``x`` and ``log|dx/dy|``, shaped as in `forward`."""
        raise NotImplementedError
