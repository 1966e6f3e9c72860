"""Composition: bijectors one after the other."""

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
    once, value and log-det together. A context that has a shape changes it on the way to the
    latent where a member says so: a `Squeeze` squeezes a map for all behind it.

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

    free_lengths = True

    def __init__(self, bijectors: Sequence[tfb.Bijector], *, event_shape=None, name=None):
        bijectors = list(bijectors)
        for member in bijectors:
            if not isinstance(member, tfb.Bijector):
                raise TypeError(f"Chain: {member!r} is not a bijector.")
        ours = [member for member in bijectors if isinstance(member, Bijector)]
        given = None
        if event_shape is not None:
            given = shapes.as_shape(event_shape, "event_shape", free=True)
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
        context_shape = context_inward = None
        for member in ours:
            if member.context_shape is not None:
                context_shape = context_shape or member.context_shape
                context_inward = context_inward or context_shape
                _agreed("context_shape", [context_inward, member.context_shape])
                context_inward = member.latent_context_shape
        # A member with a random part makes the whole one.
        self.resizes = any(member.resizes for member in ours)
        super().__init__(
            event_shape=event_shape,
            latent_shape=latent_shape,
            context_shape=context_shape,
            latent_context_shape=context_inward,
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
        contexts = self._contexts(context)
        waiting = [getattr(member, "needs_adapt", False) for member in self.bijectors]
        for i, member in enumerate(self.bijectors):
            if not any(waiting[i:]):
                return
            if waiting[i]:
                member.adapt(value, contexts[i])
            value = self._member(i, value, contexts, False, "inverse", with_log_det=False)

    def _forward_and_log_det(self, x, context, training):
        places = reversed(range(len(self.bijectors)))
        return self._walk(places, x, context, training, "forward")

    def _inverse_and_log_det(self, y, context, training):
        return self._walk(range(len(self.bijectors)), y, context, training, "inverse")

    def _forward_value(self, x, context, training):
        contexts = self._contexts(context)
        for place in reversed(range(len(self.bijectors))):
            x = self._member(place, x, contexts, training, "forward", with_log_det=False)
        return x

    def _inverse_value(self, y, context, training):
        contexts = self._contexts(context)
        for place in range(len(self.bijectors)):
            y = self._member(place, y, contexts, training, "inverse", with_log_det=False)
        return y

    def _contexts(self, context):
        """The context of each member, from the side of the data; None for those that take none."""
        contexts = []
        for member in self.bijectors:
            takes = isinstance(member, Bijector) and member.context_shape is not None
            contexts.append(context if takes else None)
            if takes:
                context = member._context_inward(context)
        return contexts

    def _context_inward(self, context):
        for member in self.bijectors:
            if isinstance(member, Bijector) and member.context_shape is not None:
                context = member._context_inward(context)
        return context

    def _inverse_and_log_det_map(self, y, context, training):
        contexts, shares = self._contexts(context), []
        for place, member in enumerate(self.bijectors):
            if isinstance(member, Bijector):
                y, share = member._inverse_and_log_det_map(y, contexts[place], training)
            elif member.inverse_min_event_ndims > 1:
                raise NotImplementedError(
                    f"{member.name} mixes the places of an event, so it has no density by place."
                )
            else:
                y, share = self._member(place, y, contexts, training, "inverse", event_ndims=1)
            shares.append(share)
        total = None
        for member, share in zip(reversed(self.bijectors), reversed(shares), strict=True):
            if total is not None and isinstance(member, Bijector):
                total = member.spread_places(total)
            total = share if total is None else total + share
        return y, total

    @property
    def place_factors(self):
        """By how much the latent has fewer places on each axis; None if its places are others."""
        factors = (1,) * (len(self.event_shape) - 1)
        for member in self.bijectors:
            own = member.place_factors if isinstance(member, Bijector) else (1,) * len(factors)
            if own is None or len(own) != len(factors):
                return None
            factors = tuple(a * b for a, b in zip(factors, own, strict=True))
        return factors

    def spread_entries(self, value):
        """Brings numbers of the latent's entries to the places of the event."""
        *before, last = self.bijectors
        ours = isinstance(last, Bijector)
        value = last.spread_entries(value) if ours else tf.reduce_sum(value, axis=-1)
        for member in reversed(before):
            if isinstance(member, Bijector):
                value = member.spread_places(value)
        return value

    def _walk(self, places, value, context, training, direction):
        contexts, total = self._contexts(context), None
        for place in places:
            value, log_det = self._member(place, value, contexts, training, direction)
            total = log_det if total is None else total + log_det
        return value, total

    def _member(
        self, place, value, contexts, training, direction, with_log_det=True, event_ndims=None
    ):
        member = self.bijectors[place]
        if isinstance(member, Bijector):
            kind = "and_log_det" if with_log_det else "value"
            method = getattr(member, f"_{direction}_{kind}")
            return method(value, contexts[place], training)
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
        ndims = event_ndims or self._ranks[place]
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


def _agreed(name, values):
    """The one value that all agree on; None stands for no opinion."""
    known = [value for value in values if value is not None]
    if any(value != known[0] for value in known):
        raise ValueError(f"Chain: members disagree on {name}: {known}.")
    return known[0] if known else None
