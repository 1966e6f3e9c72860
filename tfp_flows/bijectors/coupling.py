"""Coupling: one part of the event conditions the transformation of the other."""

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.vectors import context_size, vector_size
from tfp_flows.errors import unknown_name
from tfp_flows.interop import Network
from tfp_flows.networks.mlp import MLP
from tfp_flows.numerics import permute
from tfp_flows.transformers import Affine, Transformer


def coupling_mask(mask, size: int) -> np.ndarray:
    """A boolean mask ``[size]``, True where the event passes unchanged and conditions the rest.

    Args:
        mask: ``"half"`` (the first half passes), ``"alternating"`` (even places pass), either
            with a ``~`` in front for its complement, or a boolean vector.
        size: Size of the event.

    Raises:
        ValueError: If the mask has another size, is not boolean, or is all True or all False.
    """
    if isinstance(mask, str):
        named = {
            "half": np.arange(size) < size // 2,
            "alternating": np.arange(size) % 2 == 0,
        }
        name = mask.removeprefix("~")
        if name not in named:
            raise unknown_name("mask", mask, [*named, *(f"~{key}" for key in named)])
        result = named[name] ^ mask.startswith("~")
    else:
        result = np.array(mask)
        if result.shape != (size,) or result.dtype != bool:
            raise ValueError(f"mask must be {size} booleans, got {mask!r}.")
    if result.all() or not result.any():
        raise ValueError(
            f"A coupling needs entries on both sides of its mask, got {result.tolist()}; "
            "an event of one dimension has no coupling (use an autoregressive flow)."
        )
    return result


class Coupling(Bijector):
    """Transforms a part of the event, conditioned on the rest, which passes unchanged.

    Additive transformers give NICE, affine ones RealNVP. Both directions cost one pass of the
    conditioner.

    Source: Dinh et al. 2014, arXiv:1410.8516, section 3; Dinh et al. 2017, arXiv:1605.08803,
    section 3.2.

    Args:
        event_shape: Size of the event, a vector of at least two entries.
        mask: ``"half"``, ``"alternating"``, ``"~half"``, ``"~alternating"``, or a boolean vector;
            True passes unchanged.
        conditioner: Any Keras layer or model, or callable `tf.Module`, from the passing entries
            (and the context) to the parameters of the others; see `tfp_flows.interop.Network` for
            the forms. An `MLP` by default.
        transformer: What is applied to the others; `Affine` by default.
        context_shape: Size of the context.
        hidden_units: Hidden layers of the default conditioner.
        activation: Activation of the default conditioner.
        dtype: ``float32`` or ``float64``.
        compute_dtype: Dtype of the default conditioner's matrix products.
        seed: Seed of the default conditioner.
        name: Name for ops.

    Raises:
        ValueError: If the event or the mask does not allow a coupling, or the conditioner's
            output has the wrong size.
    """

    def __init__(
        self,
        *,
        event_shape,
        mask="half",
        conditioner=None,
        transformer: Transformer | None = None,
        context_shape=None,
        hidden_units=(64, 64),
        activation="relu",
        dtype=tf.float32,
        compute_dtype=None,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        size = vector_size(self, smallest=2)
        mask = coupling_mask(mask, size)
        self.mask = mask
        self.transformer = transformer or Affine()
        self._kept = int(mask.sum())
        changed = size - self._kept
        order = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
        self._order, self._places = order, np.argsort(order)
        # Masks that keep one end of the event need slices only.
        self._kept_first = bool(np.array_equal(order, np.arange(size)))
        self._kept_last = bool(mask[-self._kept :].all())
        contexts = context_size(self)
        conditioner = conditioner or MLP(
            input_size=self._kept,
            context_size=contexts,
            output_size=changed * self.transformer.num_parameters,
            hidden_units=hidden_units,
            activation=activation,
            dtype=self.dtype,
            compute_dtype=compute_dtype,
            seed=seed,
        )
        self._conditioner = Network(
            conditioner,
            input_size=self._kept,
            context_size=contexts,
            coordinates=changed,
            parameters=self.transformer.num_parameters,
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

    def _couple(self, value, context, training, transform):
        kept, changed = self._split(value)
        parameters = self._conditioner(kept, context, training)
        changed, log_slopes = transform(changed, parameters)
        return self._merge(kept, changed), tf.reduce_sum(log_slopes, axis=-1)

    def _split(self, value):
        if self._kept_last:
            return value[..., -self._kept :], value[..., : -self._kept]
        if not self._kept_first:
            value = permute(value, self._order, self._places)
        return value[..., : self._kept], value[..., self._kept :]

    def _merge(self, kept, changed):
        if self._kept_last:
            return tf.concat([changed, kept], axis=-1)
        value = tf.concat([kept, changed], axis=-1)
        return value if self._kept_first else permute(value, self._places, self._order)
