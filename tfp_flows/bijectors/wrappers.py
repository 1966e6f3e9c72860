"""What wraps a bijector: its inversion, and a context that is fixed."""

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector


class Invert(Bijector):
    """A bijector of ours the other way round: its ``forward`` is the other's ``inverse``.

    What waits for data inside (`ActNorm`, `BatchNorm`) is not adapted through an inversion, where
    it faces the latent; adapt it by itself before.

    Args:
        bijector: One of ours; for TFP's own use `tfb.Invert`.
        name: Name for ops.

    Raises:
        ValueError: If a context changes its shape on the way through the bijector, which it could
            not do backwards.
    """

    free_lengths = True

    def __init__(self, bijector: Bijector, *, name=None):
        if bijector.latent_context_shape != bijector.context_shape:
            raise ValueError(
                f"Invert: the context of {bijector.name} changes its shape on the way to the "
                f"latent, from {bijector.context_shape} to {bijector.latent_context_shape}, and "
                "cannot go back."
            )
        if None in bijector.event_shape and set(bijector.place_factors) != {1}:
            raise ValueError(
                f"Invert: {bijector.name} changes how long events {bijector.event_shape} are, so "
                "it cannot be inverted where lengths are free."
            )
        super().__init__(
            event_shape=bijector.latent_shape,
            latent_shape=bijector.event_shape,
            context_shape=bijector.context_shape,
            dtype=bijector.dtype,
            name=name or f"invert_{bijector.name}",
        )
        self.bijector = bijector

    @property
    def place_factors(self):
        """By how much the latent has fewer places on each axis; None if its places are others."""
        factors = self.bijector.place_factors
        return factors if factors is not None and set(factors) <= {1} else None

    def _forward_value(self, x, context, training):
        return self.bijector._inverse_value(x, context, training)

    def _inverse_value(self, y, context, training):
        return self.bijector._forward_value(y, context, training)

    def _forward_and_log_det(self, x, context, training):
        return self.bijector._inverse_and_log_det(x, context, training)

    def _inverse_and_log_det(self, y, context, training):
        return self.bijector._forward_and_log_det(y, context, training)


class Given(Bijector):
    """A conditional bijector with its context fixed, as a value: later changes do not reach it.

    The batch axes of the context broadcast against those of the input. `Flow.given` uses it.

    Args:
        bijector: One of ours, with a context shape.
        context: ``[..., *context_shape]``.
        name: Name for ops.

    Raises:
        ValueError: If the bijector takes no context, or the context does not fit.
    """

    free_lengths = True

    def __init__(self, bijector: Bijector, context, *, name=None):
        if bijector.context_shape is None:
            raise ValueError(f"{bijector.name} takes no context, so none can be fixed.")
        self.resizes = bijector.resizes
        super().__init__(
            event_shape=bijector.event_shape,
            latent_shape=bijector.latent_shape,
            dtype=bijector.dtype,
            name=name or f"given_{bijector.name}",
        )
        self.bijector = bijector
        context = shapes.as_float_tensor(context, self.dtype, "context")
        self.context = shapes.check_event(context, bijector.context_shape, "context", bijector.name)

    @property
    def needs_adapt(self):
        """Whether the bijector inside waits for data."""
        return self.bijector.needs_adapt

    def adapt(self, data, context=None):
        """Adapts the bijector inside, with its context."""
        value, _ = self._prepare(data, context, "data")
        self.bijector.adapt(value, self.context)

    def _forward_value(self, x, context, training):
        return self.bijector.forward_value(x, self.context, training)

    def _inverse_value(self, y, context, training):
        return self.bijector.inverse_value(y, self.context, training)

    def _forward_and_log_det(self, x, context, training):
        return self.bijector.forward_and_log_det(x, self.context, training)

    def _inverse_and_log_det(self, y, context, training):
        return self.bijector.inverse_and_log_det(y, self.context, training)

    def _inverse_and_log_det_map(self, y, context, training):
        return self.bijector.inverse_and_log_det_map(y, self.context, training)

    @property
    def place_factors(self):
        """By how much the latent has fewer places on each axis; None if its places are others."""
        return self.bijector.place_factors

    def spread_entries(self, value):
        """Brings numbers of the latent's entries to the places of the event."""
        return self.bijector.spread_entries(value)
