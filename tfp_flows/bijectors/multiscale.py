"""Multi-scale architecture: some of the channels leave after each level."""

import math
import numbers
from collections.abc import Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector


class MultiScale(Bijector):
    """Levels of bijectors of images or sequences; after each but the last, channels leave.

    On the way to the latent, each level maps what the one before it left. The first half of its
    channels, rounded up, goes on to the next level; the rest is latent already, or ``leaving``
    channels are. The latent of the whole is one vector: what left first comes first, each part
    flattened. Of events of free length it is one sequence (or image) of all channels, likewise in
    order, and the levels then keep the places.

    A prior that is learned at each split is a coupling at the end of a level, with the mask
    ``"channel"``: it conditions what leaves on what goes on.

    A context map has the places of the event, and of each level's event in turn: a `Squeeze` with
    its ``context_shape`` makes it so.

    Source: RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 3.6; Glow, Kingma and Dhariwal
    2018, arXiv:1807.03039, section 3; WaveGlow, Prenger et al. 2018, arXiv:1811.00002, section 2.4.

    Args:
        levels: Bijectors, data side first, whose events and latents are images or sequences.
        leaving: How many channels leave after each level but the last, or a number for each; half,
            rounded down, by default.
        name: Name for ops.

    Raises:
        ValueError: If there are no levels, a level faces another shape or another context than the
            one before it leaves, too many channels leave, or dtypes differ.
    """

    free_lengths = True

    def __init__(
        self,
        levels: Sequence[Bijector],
        *,
        leaving: int | Sequence[int] | None = None,
        name: str | None = None,
    ):
        levels = list(levels)
        if not levels:
            raise ValueError("MultiScale needs at least one level.")
        wanted = _wanted(leaving, len(levels) - 1)
        left, counts = levels[0].event_shape, []
        for number, level in enumerate(levels, start=1):
            places, event = len(left) - 1, level.event_shape
            if event != left or not 1 <= places <= 2 or len(level.latent_shape) != places + 1:
                raise ValueError(
                    f"MultiScale: level {number} maps events {event} to latents "
                    f"{level.latent_shape}, but faces images or sequences of shape {left}."
                )
            *place, channels = level.latent_shape
            if number == len(levels):
                break
            counts.append(channels // 2 if wanted is None else wanted[number - 1])
            if channels < 2:
                raise ValueError(
                    f"MultiScale: level {number} has one channel, of which no half can leave; "
                    "use fewer levels."
                )
            if not 0 < counts[-1] < channels:
                raise ValueError(
                    f"MultiScale: {counts[-1]} channels cannot leave after level {number}, which "
                    f"has {channels}."
                )
            left = (*place, channels - counts[-1])
        if len({level.dtype for level in levels}) > 1:
            raise ValueError("MultiScale: levels disagree on dtype.")
        event_shape = levels[0].event_shape
        latent_shape = [math.prod(event_shape)] if None not in event_shape else None
        if latent_shape is None:
            latent_shape = (*levels[0].latent_shape[:-1], sum(counts) + levels[-1].latent_shape[-1])
            for number, level in enumerate(levels[1:], start=2):
                if set(level.place_factors) != {1}:
                    raise ValueError(
                        f"MultiScale: of events of free length, {event_shape}, levels keep the "
                        f"places, but level {number} does not; squeeze before, or in level 1."
                    )
        super().__init__(
            event_shape=event_shape,
            latent_shape=latent_shape,
            context_shape=_context_shape(levels),
            dtype=levels[0].dtype,
            name=name,
        )
        self.levels = levels
        self._counts = self._no_dependency(tuple(counts))

    @property
    def needs_adapt(self):
        """Whether a level waits for data."""
        return any(level.needs_adapt for level in self.levels)

    def adapt(self, data, context=None):
        """Adapts each level to what reaches it on the way to the latent."""
        value, context = self._prepare(data, context, "data")
        contexts = self._contexts(context)
        for number, level in enumerate(self.levels):
            if level.needs_adapt:
                level.adapt(value, contexts[number])
            if number + 1 < len(self.levels):
                value = level.inverse_and_log_det(value, contexts[number])[0]
                value, _ = self._split(number, value)

    def _contexts(self, context):
        """The context of each level, from the side of the data; None for those that take none."""
        contexts = []
        for level in self.levels:
            takes = level.context_shape is not None
            contexts.append(context if takes else None)
            if takes:
                context = level._context_inward(context)
        return contexts

    def _inverse_and_log_det(self, y, context, training):
        total, latent = None, []
        for value, log_det in self._inward(y, context, training, "_inverse_and_log_det"):
            latent.append(value)
            total = log_det if total is None else total + log_det
        return self._joined(latent), total

    def _inverse_and_log_det_map(self, y, context, training):
        results = list(self._inward(y, context, training, "_inverse_and_log_det_map"))
        total = None
        for level, (_, share) in zip(reversed(self.levels), reversed(results), strict=True):
            total = share if total is None else level.spread_places(total) + share
        return self._joined([value for value, _ in results]), total

    def _inward(self, value, context, training, method):
        """What leaves after each level, the last one's all, and the log-det of each."""
        contexts = self._contexts(context)
        for number, level in enumerate(self.levels):
            value, log_det = getattr(level, method)(value, contexts[number], training)
            leaving = value
            if number + 1 < len(self.levels):
                value, leaving = self._split(number, value)
            yield leaving, log_det

    def _forward_and_log_det(self, x, context, training):
        contexts, total, value = self._contexts(context), None, None
        parts = self._parts(x)
        for number in reversed(range(len(self.levels))):
            value = parts[number] if value is None else tf.concat([value, parts[number]], axis=-1)
            method = self.levels[number]._forward_and_log_det
            value, log_det = method(value, contexts[number], training)
            total = log_det if total is None else total + log_det
        return value, total

    @property
    def place_factors(self):
        """By how much the latent has fewer places; None where it is a vector."""
        return self.levels[0].place_factors if None in self.event_shape else None

    def spread_entries(self, value):
        """Brings numbers of the latent's entries to the places of the event."""
        total = None
        for level, part in zip(reversed(self.levels), reversed(self._parts(value)), strict=True):
            own = tf.reduce_sum(part, axis=-1)
            total = level.spread_places(own if total is None else total + own)
        return total

    def _split(self, number, value):
        staying = value.shape[-1] - self._counts[number]
        return value[..., :staying], value[..., staying:]

    def _joined(self, parts):
        return tf.concat(parts if self._keeps_places else [*map(self._flat, parts)], axis=-1)

    def _parts(self, latent):
        """What left after each level, the last one's all, from the whole latent."""
        last = self.levels[-1].latent_shape
        leaving = zip(self.levels, self._counts, strict=False)
        wanted = [*((*level.latent_shape[:-1], count) for level, count in leaving), last]
        if self._keeps_places:
            return tf.split(latent, [shape[-1] for shape in wanted], axis=-1)
        parts = tf.split(latent, [math.prod(shape) for shape in wanted], axis=-1)
        pairs = zip(parts, wanted, strict=True)
        return [shapes.unflatten_batch(part, latent, 1, shape) for part, shape in pairs]

    @property
    def _keeps_places(self):
        return None in self.event_shape

    def _flat(self, value):
        rank = len(self.event_shape)
        return shapes.unflatten_batch(value, value, rank, (math.prod(value.shape[-rank:]),))


def _wanted(leaving, splits: int) -> list[int] | None:
    """The numbers of channels that leave, one for each split; None for halves."""
    if leaving is None:
        return None
    counts = [leaving] * splits if isinstance(leaving, numbers.Integral) else list(leaving)
    if len(counts) != splits:
        raise ValueError(
            f"MultiScale: leaving has a number for each of {splits} levels but the last, got "
            f"{leaving!r}."
        )
    return counts


def _context_shape(levels) -> tuple[int, ...] | None:
    """The shape of the context on the side of the data, checked at each level."""
    first = here = None
    for number, level in enumerate(levels, start=1):
        if level.context_shape is None:
            continue
        first, here = first or level.context_shape, here or level.context_shape
        if level.context_shape != here:
            raise ValueError(
                f"MultiScale: levels disagree on context_shape: level {number} takes a context of "
                f"shape {level.context_shape}, but faces one of shape {here}; give the Squeeze "
                "of each level its context_shape."
            )
        here = level.latent_context_shape
    return first
