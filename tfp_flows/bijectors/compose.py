"""Composition, inversion, and a context that is fixed."""

import math
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector

tfb = tfp.bijectors
_OPPOSITE = {"forward": "inverse", "inverse": "forward"}


class Chain(Bijector):
    """Bijectors one after the other: ``Chain([f, g]).forward(x) = f(g(x))``, as in TFP.

    The context and the training flag reach each member that is one of ours and takes a context;
    TFP's own bijectors may be members too, where they keep the shape. Each member is evaluated
    once, value and log-det together.

    At a point outside of the range of TFP's own (a negative number under `tfb.Exp`) the log-det is
    minus infinity, as the density is zero there; what comes with it stands for no latent.

    Args:
        bijectors: The members, data side first; at least one.
        event_shape: Shape of an event; needed only if no member is one of ours.
        name: Name for ops.

    Raises:
        TypeError: If a member is not a bijector.
        ValueError: If there are no members, or their shapes, contexts or dtypes differ.
    """

    def __init__(self, bijectors: Sequence[tfb.Bijector], *, event_shape=None, name=None):
        bijectors = list(bijectors)
        for member in bijectors:
            if not isinstance(member, tfb.Bijector):
                raise TypeError(f"Chain: {member!r} is not a bijector.")
        ours = [member for member in bijectors if isinstance(member, Bijector)]
        given = None if event_shape is None else shapes.as_shape(event_shape, "event_shape")
        if given is None and not ours:
            raise ValueError("Chain needs event_shape when no member is one of tfp_flows.")
        event_shape = latent_shape = given or ours[0].event_shape
        ranks = []
        for member in bijectors:
            ranks.append(len(latent_shape))
            if isinstance(member, Bijector):
                # A member faces what the one before it left, from the data side.
                _agreed("event_shape", [latent_shape, member.event_shape])
                latent_shape = member.latent_shape
        super().__init__(
            event_shape=event_shape,
            latent_shape=latent_shape,
            context_shape=_agreed("context_shape", [m.context_shape for m in ours]),
            dtype=_agreed("dtype", [m.dtype for m in bijectors]) or tf.float32,
            name=name,
        )
        self.bijectors = bijectors
        self._ranks = self._no_dependency(tuple(ranks))

    @property
    def needs_adapt(self):
        """Whether a member waits for data."""
        return any(getattr(member, "needs_adapt", False) for member in self.bijectors)

    def adapt(self, data, context=None):
        """Adapts each member that waits for data to what reaches it on the way to the latent."""
        value, context = self._prepare(data, context, "data")
        waiting = [getattr(member, "needs_adapt", False) for member in self.bijectors]
        for i, member in enumerate(self.bijectors):
            if not any(waiting[i:]):
                return
            if waiting[i]:
                member.adapt(value, context if member.context_shape else None)
            value = self._member(i, value, context, False, "inverse", with_log_det=False)

    def _forward_and_log_det(self, x, context, training):
        places = reversed(range(len(self.bijectors)))
        return self._walk(places, x, context, training, "forward")

    def _inverse_and_log_det(self, y, context, training):
        return self._walk(range(len(self.bijectors)), y, context, training, "inverse")

    def _forward_value(self, x, context, training):
        for place in reversed(range(len(self.bijectors))):
            x = self._member(place, x, context, training, "forward", with_log_det=False)
        return x

    def _inverse_value(self, y, context, training):
        for place in range(len(self.bijectors)):
            y = self._member(place, y, context, training, "inverse", with_log_det=False)
        return y

    def _walk(self, places, value, context, training, direction):
        total = None
        for place in places:
            value, log_det = self._member(place, value, context, training, direction)
            total = log_det if total is None else total + log_det
        return value, total

    def _member(self, place, value, context, training, direction, with_log_det=True):
        member = self.bijectors[place]
        if isinstance(member, Bijector):
            own = context if member.context_shape is not None else None
            kind = "and_log_det" if with_log_det else "value"
            method = getattr(member, f"_{direction}_{kind}")
            return method(value, own, training)
        # A tensor of its own for each call keeps TFP's cache from returning old values.
        fresh = tf.identity(value)
        result = getattr(member, direction)(fresh)
        if not result.shape.is_compatible_with(value.shape):
            raise ValueError(
                f"Chain: {member.name} changes the shape from {value.shape} to {result.shape}, "
                "which a Chain cannot follow."
            )
        if not with_log_det:
            return result
        ndims = self._ranks[place]
        impossible = None
        if member.forward_min_event_ndims == member.inverse_min_event_ndims == 0:
            # Outside of its range a map like Exp has no value: there the density is zero, and a
            # point inside keeps the rest of the chain, and its gradients, finite.
            inside = getattr(member, _OPPOSITE[direction])(tf.fill(tf.shape(value), _half(value)))
            outside = ~tf.math.is_finite(result) & ~tf.math.is_nan(value)
            fresh = tf.where(outside, inside, value)
            result = getattr(member, direction)(fresh)
            impossible = tf.reduce_any(outside, axis=list(range(-ndims, 0)))
        log_det = getattr(member, f"{direction}_log_det_jacobian")(fresh, event_ndims=ndims)
        batch = shapes.batch_shape_tensor(value, ndims)
        log_det = tf.broadcast_to(tf.cast(log_det, value.dtype), batch)
        if impossible is not None:
            log_det = tf.where(impossible, tf.constant(-math.inf, value.dtype), log_det)
        return result, log_det


def _half(value):
    return tf.constant(0.5, value.dtype)


class Invert(Bijector):
    """A bijector of ours the other way round: its ``forward`` is the other's ``inverse``.

    What waits for data inside (`ActNorm`, `BatchNorm`) is not adapted through an inversion, where
    it faces the latent; adapt it by itself before.

    Args:
        bijector: One of ours; for TFP's own use `tfb.Invert`.
        name: Name for ops.
    """

    def __init__(self, bijector: Bijector, *, name=None):
        super().__init__(
            event_shape=bijector.latent_shape,
            latent_shape=bijector.event_shape,
            context_shape=bijector.context_shape,
            dtype=bijector.dtype,
            name=name or f"invert_{bijector.name}",
        )
        self.bijector = bijector

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

    def __init__(self, bijector: Bijector, context, *, name=None):
        if bijector.context_shape is None:
            raise ValueError(f"{bijector.name} takes no context, so none can be fixed.")
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


def _agreed(name, values):
    """The one value that all agree on; None stands for no opinion."""
    known = [value for value in values if value is not None]
    if any(value != known[0] for value in known):
        raise ValueError(f"Chain: members disagree on {name}: {known}.")
    return known[0] if known else None
