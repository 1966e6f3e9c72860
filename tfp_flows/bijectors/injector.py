"""Scale and shift of all entries by the context alone."""

import tensorflow as tf

from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.vectors import check_context
from tfp_flows.interop import Network
from tfp_flows.networks.convolutional import ResidualConvNetwork
from tfp_flows.networks.mlp import MLP
from tfp_flows.transformers import Affine


class AffineInjector(Bijector):
    """``y = shift(context) + exp(log_scale(context)) * x``, all channels of all places at once.

    A coupling leaves half of the channels as they are, whatever the context says; here what a
    context map tells of a place, its likely value above all, reaches every channel there. A vector
    scales and shifts the channels of all places alike. Starts as the identity.

    Source: SRFlow, Lugmayr et al. 2020, arXiv:2006.14200, section 3.3.

    Args:
        event_shape: ``(height, width, channels)`` of images, ``(length, channels)`` of sequences,
            or the size of a vector; lengths may be free, None.
        context_shape: Shape of the context: a vector, or a map of the same places.
        conditioner: Any Keras layer or model, or callable `tf.Module`, from the context to shifts
            and log-scales: ``[n, *places, channels * 2]`` of a map, ``[n, channels * 2]`` of a
            vector, or in another form of `tfp_flows.interop.Network`. By default a
            `ResidualConvNetwork` of a map, an `MLP` of a vector.
        hidden_units: Of the default conditioner: channels of the residual blocks, equal numbers,
            one for each block; of an `MLP`, its hidden layers.
        downscale: Factor by which height and width are smaller within the network of a map, for a
            quarter of the cost by 2; it must divide them.
        activation: Activation of the default conditioner.
        max_log_scale: Bound on the log-scales.
        dtype: ``float32`` or ``float64``.
        compute_dtype: Dtype of the default conditioner's matrix products.
        seed: Seed of the default conditioner.
        name: Name for ops.

    Raises:
        ValueError: If there is no context, it is neither a vector nor a map of the places of the
            event, or the conditioner's output has the wrong size.
    """

    free_lengths = True

    def __init__(
        self,
        *,
        event_shape,
        context_shape,
        conditioner=None,
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
        if self.context_shape is None:
            raise ValueError(f"{self.name} is all that its context says; give context_shape.")
        check_context(self)
        self._affine = Affine(max_log_scale=max_log_scale)
        places, channels = self.context_shape[:-1], self.event_shape[-1]
        if conditioner is None:
            build, options = MLP, {}
            if places:
                build = ResidualConvNetwork
                options = {"downscale": downscale, "spatial_axes": len(places)}
            conditioner = build(
                input_size=self.context_shape[-1],
                output_size=channels * self._affine.num_parameters,
                hidden_units=hidden_units,
                activation=activation,
                output_scale=0.0,
                dtype=self.dtype,
                compute_dtype=compute_dtype,
                seed=seed,
                **options,
            )
        self._conditioner = Network(
            conditioner,
            input_shape=self.context_shape,
            context_shape=None,
            coordinates=(*places, channels),
            parameters=self._affine.num_parameters,
            dtype=self.dtype,
            owner=self.name,
        )

    @property
    def conditioner(self):
        """The network, as it was given."""
        return self._conditioner.network

    def shift_and_log_scale(self, context, training=False):
        """Both of a vector's entries, given contexts ``[..., features]``: ``[..., size]`` each."""
        shape = tf.concat([tf.shape(context)[:-1], self.event_shape], axis=0)
        zeros = tf.zeros(shape, self.dtype)
        return self._steered(self._affine.forward, zeros, context, training)

    def _forward_and_log_det(self, x, context, training):
        y, log_slopes = self._steered(self._affine.forward, x, context, training)
        return y, self._total(log_slopes)

    def _inverse_and_log_det(self, y, context, training):
        x, log_slopes = self._steered(self._affine.inverse, y, context, training)
        return x, self._total(log_slopes)

    def _inverse_and_log_det_map(self, y, context, training):
        x, log_slopes = self._steered(self._affine.inverse, y, context, training)
        return x, tf.reduce_sum(log_slopes, axis=-1)

    def _steered(self, transform, value, context, training):
        parameters = self._conditioner(context, training=training)
        # A vector's are the same at all places.
        for _ in self.event_shape[len(self.context_shape) :]:
            parameters = tf.expand_dims(parameters, -3)
        value, log_slopes = transform(value, parameters)
        return value, log_slopes + tf.zeros_like(value)
