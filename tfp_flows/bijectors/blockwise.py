"""Bijectors side by side: each of its own part of one vector."""

import math
from collections.abc import Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector


class Blockwise(Bijector):
    """One vector that holds the events of several bijectors, flattened, one behind the other.

    The parts are independent: the log-det is the sum of theirs. So events of several shapes, maps
    of features of several sizes say, are one event of one flow. `parts` takes a vector apart, and
    `join` puts one together. The latent holds the latents in the same order.

    Args:
        bijectors: The members, at least one. Those that take a context take the same.
        name: Name for ops.

    Raises:
        TypeError: If a member is not one of ours.
        ValueError: If there are no members, an event has a free length, or dtypes or contexts
            differ.
    """

    def __init__(self, bijectors: Sequence[Bijector], *, name: str | None = None):
        bijectors = list(bijectors)
        if not bijectors:
            raise ValueError("Blockwise needs at least one bijector.")
        for member in bijectors:
            if not isinstance(member, Bijector):
                raise TypeError(f"Blockwise: {member!r} is not a bijector of tfp_flows.")
            if None in member.event_shape:
                raise ValueError(
                    f"Blockwise: {member.name} has events {member.event_shape} of free length, so "
                    "its part of a vector is not known."
                )
        contexts = {member.context_shape for member in bijectors} - {None}
        if len(contexts) > 1 or len({member.dtype for member in bijectors}) > 1:
            raise ValueError("Blockwise: members disagree on context_shape or dtype.")
        self._sizes = [math.prod(member.event_shape) for member in bijectors]
        super().__init__(
            event_shape=sum(self._sizes),
            context_shape=contexts.pop() if contexts else None,
            dtype=bijectors[0].dtype,
            name=name,
        )
        self.bijectors = bijectors

    @property
    def needs_adapt(self):
        """Whether a member waits for data."""
        return any(member.needs_adapt for member in self.bijectors)

    def adapt(self, data, context=None):
        """Adapts each member to its part."""
        value, context = self._prepare(data, context, "data")
        for member, part in zip(self.bijectors, self.parts(value), strict=True):
            if member.needs_adapt:
                member.adapt(part, context if member.context_shape is not None else None)

    def parts(self, value) -> list[tf.Tensor]:
        """The events of the members, ``[..., *event_shape]`` each, from ``[..., size]``."""
        value = shapes.as_float_tensor(value, self.dtype, "x")
        value = shapes.check_event(value, self.event_shape, "x", self.name)
        return self._taken_apart(value, [member.event_shape for member in self.bijectors])

    def join(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """One vector ``[..., size]`` from events ``[..., *event_shape]``, in order.

        Raises:
            ValueError: If their number or a shape does not fit.
        """
        if len(parts) != len(self.bijectors):
            raise ValueError(
                f"{self.name} holds {len(self.bijectors)} parts, got {len(parts)} of them."
            )
        named = zip(self.bijectors, parts, strict=True)
        return self._put_together(
            [
                shapes.check_event(
                    shapes.as_float_tensor(part, self.dtype, "x"), m.event_shape, "x", m.name
                )
                for m, part in named
            ],
            [member.event_shape for member in self.bijectors],
        )

    def _forward_and_log_det(self, x, context, training):
        return self._each("forward", x, context, training)

    def _inverse_and_log_det(self, y, context, training):
        return self._each("inverse", y, context, training)

    def _each(self, direction, value, context, training):
        shapes_of = [
            [member.latent_shape for member in self.bijectors],
            [member.event_shape for member in self.bijectors],
        ]
        before, after = shapes_of if direction == "forward" else reversed(shapes_of)
        results, total = [], None
        for member, part in zip(self.bijectors, self._taken_apart(value, before), strict=True):
            own = context if member.context_shape is not None else None
            result, log_det = getattr(member, f"_{direction}_and_log_det")(part, own, training)
            results.append(result)
            total = log_det if total is None else total + log_det
        return self._put_together(results, after), total

    def _taken_apart(self, value, into):
        parts = tf.split(value, self._sizes, axis=-1)
        return [
            shapes.unflatten_batch(shapes.flatten_batch(part), part, 1, shape)
            for part, shape in zip(parts, into, strict=True)
        ]

    def _put_together(self, parts, of):
        flat = [
            shapes.unflatten_batch(shapes.flatten_batch(part, len(shape)), part, len(shape), (n,))
            for part, shape, n in zip(parts, of, self._sizes, strict=True)
        ]
        return tf.concat(flat, axis=-1)
