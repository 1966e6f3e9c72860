"""Coupling: one part of the event conditions the transformation of the other."""

from types import MappingProxyType

import tensorflow as tf

from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.partition import coupling_mask, partition_of
from tfp_flows.bijectors.vectors import check_context, context_size
from tfp_flows.interop import Network
from tfp_flows.networks.convolutional import ResidualConvNetwork
from tfp_flows.networks.mlp import MLP
from tfp_flows.numerics import INPUT_BOUND
from tfp_flows.transformers import Affine, Transformer
from tfp_flows.transformers.check import check_transformer


class Coupling(Bijector):
    """Transforms a part of the event, conditioned on the rest, which passes unchanged.

    Additive transformers give NICE, affine ones RealNVP. Both directions cost one pass of the
    conditioner.

    Source: Dinh et al. 2014, arXiv:1410.8516, section 3; Dinh et al. 2017, arXiv:1605.08803,
    section 3.2.

    Args:
        event_shape: Size of the event, at least two, ``(length, channels)`` of a sequence, or
            ``(height, width, channels)`` of an image; lengths may be free, None.
        mask: ``"half"`` or ``"alternating"`` for vectors, ``"checkerboard"`` for images of known
            size, ``"channel"`` for images and sequences, ``"~half"`` and so on for their
            complements, or booleans of the shape of the event; True passes unchanged. See
            `coupling_mask`. The default is ``"half"``, ``"checkerboard"`` or ``"channel"``.
        conditioner: Any Keras layer or model, or callable `tf.Module`, from the passing entries
            (and the context) to the parameters of the others; see `tfp_flows.interop.Network` for
            the forms. By default an `MLP`, or a `ResidualConvNetwork` for images and sequences.
        transformer: What is applied to the others; `Affine` by default.
        context_shape: Shape of the context, a vector; or, for images and sequences, a map of the
            places of the event, ``(height, width, channels)``.
        hidden_units: Hidden layers of the default conditioner; for images equal numbers of
            channels, one for each residual block.
        activation: Activation of the default conditioner.
        dtype: ``float32`` or ``float64``.
        compute_dtype: Dtype of the default conditioner's matrix products.
        input_bound: The default conditioner sees entries squashed into ``(-input_bound,
            input_bound)``, so that layers do not drive each other's outliers on; None for as they
            are.
        seed: Seed of the default conditioner.
        name: Name for ops.

    Raises:
        ValueError: If the event or the mask does not allow a coupling, the context has other
            places, or the conditioner's output has the wrong size.
    """

    free_lengths = True
    _EARLIER_DEFAULTS = MappingProxyType({0: {"input_bound": None}})

    def __init__(
        self,
        *,
        event_shape,
        mask=None,
        conditioner=None,
        transformer: Transformer | None = None,
        context_shape=None,
        hidden_units=(64, 64),
        activation="relu",
        dtype=tf.float32,
        compute_dtype=None,
        input_bound=INPUT_BOUND,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        if mask is None:
            whole = len(self.event_shape) == 3 and None not in self.event_shape
            mask = "checkerboard" if whole else "channel"
            mask = "half" if len(self.event_shape) == 1 else mask
        self.mask = coupling_mask(mask, self.event_shape)
        self.transformer = transformer or Affine()
        check_transformer(self.transformer, self.dtype, self.name)
        self._partition = partition_of(self.mask, self.event_shape)
        check_context(self)
        kept, changed = self._partition.kept_shape, self._partition.changed_shape
        parameters = self.transformer.num_parameters
        if conditioner is None:
            build, context = MLP, {"context_size": context_size(self)} if len(kept) == 1 else {}
            if len(kept) > 1:
                build = ResidualConvNetwork
                context = {"context_shape": self.context_shape, "spatial_axes": len(kept) - 1}
            conditioner = build(
                input_size=kept[-1],
                **context,
                output_size=changed[-1] * parameters,
                hidden_units=hidden_units,
                activation=activation,
                dtype=self.dtype,
                compute_dtype=compute_dtype,
                input_bound=input_bound,
                seed=seed,
            )
        self._conditioner = Network(
            conditioner,
            input_shape=kept,
            context_shape=self.context_shape,
            coordinates=changed,
            parameters=parameters,
            dtype=self.dtype,
            owner=self.name,
        )

    @property
    def conditioner(self):
        """The network, as it was given."""
        return self._conditioner.network

    def _forward_and_log_det(self, x, context, training):
        return self._couple(x, context, training, self.transformer.forward)

    def _inverse_and_log_det(self, y, context, training):
        return self._couple(y, context, training, self.transformer.inverse)

    def _inverse_and_log_det_map(self, y, context, training):
        inverse, by_place = self.transformer.inverse, self._partition.by_place
        return self._couple(y, context, training, inverse, by_place)

    def _couple(self, value, context, training, transform, total=None):
        kept, changed = self._partition.split(value)
        parameters = self._conditioner(kept, context, training)
        changed, log_slopes = transform(changed, parameters)
        return self._partition.merge(kept, changed), (total or self._partition.total)(log_slopes)
