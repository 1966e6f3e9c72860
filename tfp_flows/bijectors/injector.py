"""Scale and shift of all entries by the context alone."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.networks.convolutional import ResidualConvNetwork
from tfp_flows.transformers import Affine


class AffineInjector(Bijector):
    """``y = shift(context) + exp(log_scale(context)) * x``, all channels of all places at once.

    A coupling leaves half of the channels as they are, whatever the context says; here what a
    context map tells of a place, its likely value above all, reaches every channel there. Starts
    as the identity.

    Source: SRFlow, Lugmayr et al. 2020, arXiv:2006.14200, section 3.3.

    Args:
        event_shape: ``(height, width, channels)`` of images, or ``(length, channels)`` of
            sequences; lengths may be free, None.
        context_shape: Shape of a map of the same places.
        hidden_units: Channels of the residual blocks of the network, equal numbers, one for each
            block.
        downscale: Factor by which height and width are smaller within the network, for a quarter of
            the cost by 2; it must divide them.
        activation: Activation of the network.
        max_log_scale: Bound on the log-scales.
        dtype: ``float32`` or ``float64``.
        compute_dtype: Dtype of the network's matrix products.
        seed: Seed of the network.
        name: Name for ops.

    Raises:
        ValueError: If the context is no map of the places of the event.
    """

    free_lengths = True

    def __init__(
        self,
        *,
        event_shape,
        context_shape,
        hidden_units=(32,),
        downscale: int = 1,
        activation="relu",
        max_log_scale: float = 2.0,
        dtype=tf.float32,
        compute_dtype=None,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        places, context = self.event_shape[:-1], self.context_shape
        if not places or context is None or context[:-1] != places:
            raise ValueError(
                f"{self.name} needs a map of the places {places} as context, those of its events "
                f"{self.event_shape}, got context_shape {context_shape!r}."
            )
        self._affine = Affine(max_log_scale=max_log_scale)
        self._network = ResidualConvNetwork(
            input_size=context[-1],
            output_size=self.event_shape[-1] * self._affine.num_parameters,
            hidden_units=hidden_units,
            downscale=downscale,
            activation=activation,
            spatial_axes=len(places),
            dtype=self.dtype,
            compute_dtype=compute_dtype,
            seed=seed,
        )

    def _forward_and_log_det(self, x, context, training):
        y, log_slopes = self._affine.forward(x, self._steered(context))
        return y, self._total(log_slopes)

    def _inverse_and_log_det(self, y, context, training):
        x, log_slopes = self._affine.inverse(y, self._steered(context))
        return x, self._total(log_slopes)

    def _inverse_and_log_det_map(self, y, context, training):
        x, log_slopes = self._affine.inverse(y, self._steered(context))
        return x, tf.reduce_sum(log_slopes, axis=-1)

    def _steered(self, context):
        rank = len(self.event_shape)
        parameters = self._network(shapes.flatten_batch(context, rank))
        return shapes.unflatten_batch(
            parameters, context, rank, (*self.event_shape, self._affine.num_parameters)
        )

    def _total(self, log_slopes):
        return tf.reduce_sum(log_slopes, axis=list(range(-len(self.event_shape), 0)))
