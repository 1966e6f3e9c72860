"""Multi-scale architecture: half of the channels leave after each level."""

import math
from collections.abc import Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector


class MultiScale(Bijector):
    """Levels of bijectors of images; after each but the last, half of the channels leave.

    On the way to the latent, each level maps what the one before it left. The first half of its
    channels, rounded up, goes on to the next level; the rest is latent already. The latent of the
    whole is one vector: what left first comes first, each part flattened.

    A prior that is learned at each split is a coupling at the end of a level, with the mask
    ``"channel"``: it conditions what leaves on what goes on.

    Source: RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 3.6; Glow, Kingma and Dhariwal
    2018, arXiv:1807.03039, section 3.

    Args:
        levels: Bijectors, data side first, whose events and latents are images.
        name: Name for ops.

    Raises:
        ValueError: If there are no levels, a level faces another shape than the one before it
            leaves, or contexts or dtypes differ.
    """

    def __init__(self, levels: Sequence[Bijector], *, name=None):
        levels = list(levels)
        if not levels:
            raise ValueError("MultiScale needs at least one level.")
        left = levels[0].event_shape
        for number, level in enumerate(levels, start=1):
            if level.event_shape != left or len(level.latent_shape) != 3:
                raise ValueError(
                    f"MultiScale: level {number} maps events {level.event_shape} to latents "
                    f"{level.latent_shape}, but faces images of shape {left}."
                )
            *place, channels = level.latent_shape
            if number < len(levels) and channels < 2:
                raise ValueError(
                    f"MultiScale: level {number} has one channel, of which no half can leave; "
                    "use fewer levels."
                )
            left = (*place, channels - channels // 2)
        contexts = {level.context_shape for level in levels} - {None}
        if len(contexts) > 1 or len({level.dtype for level in levels}) > 1:
            raise ValueError("MultiScale: levels disagree on context_shape or dtype.")
        super().__init__(
            event_shape=levels[0].event_shape,
            latent_shape=[math.prod(levels[0].event_shape)],
            context_shape=contexts.pop() if contexts else None,
            dtype=levels[0].dtype,
            name=name,
        )
        self.levels = levels

    @property
    def needs_adapt(self):
        """Whether a level waits for data."""
        return any(level.needs_adapt for level in self.levels)

    def adapt(self, data, context=None):
        """Adapts each level to what reaches it on the way to the latent."""
        value, context = self._prepare(data, context, "data")
        for number, level in enumerate(self.levels):
            own = context if level.context_shape is not None else None
            if level.needs_adapt:
                level.adapt(value, own)
            if number + 1 < len(self.levels):
                value, _ = self._split(level.inverse_and_log_det(value, own)[0])

    def _inverse_and_log_det(self, y, context, training):
        value, parts, total = y, [], None
        for number, level in enumerate(self.levels):
            own = context if level.context_shape is not None else None
            value, log_det = level._inverse_and_log_det(value, own, training)
            total = log_det if total is None else total + log_det
            if number + 1 < len(self.levels):
                value, leaving = self._split(value)
                parts.append(self._flat(leaving))
        return tf.concat([*parts, self._flat(value)], axis=-1), total

    def _forward_and_log_det(self, x, context, training):
        sizes = [math.prod(self._leaving(level)) for level in self.levels[:-1]]
        parts = tf.split(x, [*sizes, self.latent_shape[0] - sum(sizes)], axis=-1)
        value = shapes.unflatten_batch(parts[-1], x, 1, self.levels[-1].latent_shape)
        total = None
        for number in reversed(range(len(self.levels))):
            level = self.levels[number]
            if number + 1 < len(self.levels):
                leaving = shapes.unflatten_batch(parts[number], x, 1, self._leaving(level))
                value = tf.concat([value, leaving], axis=-1)
            own = context if level.context_shape is not None else None
            value, log_det = level._forward_and_log_det(value, own, training)
            total = log_det if total is None else total + log_det
        return value, total

    @staticmethod
    def _leaving(level):
        *place, channels = level.latent_shape
        return (*place, channels // 2)

    @staticmethod
    def _split(value):
        channels = value.shape[-1]
        staying = channels - channels // 2
        return value[..., :staying], value[..., staying:]

    @staticmethod
    def _flat(value):
        return shapes.unflatten_batch(value, value, 3, (math.prod(value.shape[-3:]),))
