"""How a coupling divides an event: the part that passes, and the part that is transformed."""

import abc

import numpy as np
import tensorflow as tf

from tfp_flows.errors import unknown_name
from tfp_flows.numerics import permute
from tfp_flows.shapes import as_shape, filled


class Partition(abc.ABC):
    """Divides events and puts them together again.

    Attributes:
        kept_shape: Shape of what passes unchanged, as the conditioner sees it.
        changed_shape: Shape of what is transformed.
    """

    kept_shape: tuple[int, ...]
    changed_shape: tuple[int, ...]

    @abc.abstractmethod
    def split(self, value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns what passes and what is transformed."""

    @abc.abstractmethod
    def merge(self, kept: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
        """Puts an event together from what passed and what was transformed."""

    def total(self, log_slopes: tf.Tensor) -> tf.Tensor:
        """Adds the log-slopes of what is transformed up."""
        return tf.reduce_sum(log_slopes, axis=list(range(-len(self.changed_shape), 0)))

    def by_place(self, log_slopes: tf.Tensor) -> tf.Tensor:
        """Adds the log-slopes of each place up."""
        return tf.reduce_sum(log_slopes, axis=-1)


class Places(Partition):
    """Divides the last axis by a boolean mask, True where it passes.

    Args:
        mask: ``[size]`` booleans.
        outer: Shape of the axes before the last.
    """

    def __init__(self, mask: np.ndarray, outer: tuple[int, ...] = ()):
        size, self._kept = len(mask), int(mask.sum())
        self.kept_shape = (*outer, self._kept)
        self.changed_shape = (*outer, size - self._kept)
        self._order = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
        self._places = np.argsort(self._order)
        # Masks that keep one end of the axis need slices only.
        self._kept_first = bool(np.array_equal(self._order, np.arange(size)))
        self._kept_last = bool(mask[-self._kept :].all())

    def split(self, value):
        """See `Partition`."""
        if self._kept_last:
            return value[..., -self._kept :], value[..., : -self._kept]
        if not self._kept_first:
            value = permute(value, self._order, self._places)
        return value[..., : self._kept], value[..., self._kept :]

    def merge(self, kept, changed):
        """See `Partition`."""
        if self._kept_last:
            return tf.concat([changed, kept], axis=-1)
        value = tf.concat([kept, changed], axis=-1)
        return value if self._kept_first else permute(value, self._places, self._order)


class Pixels(Partition):
    """Divides an image by any mask. Each part has the shape of the whole, zero elsewhere.

    The conditioner thus sees the passing pixels where they stand.

    Args:
        mask: ``[height, width, channels]`` booleans, True where it passes.
    """

    def __init__(self, mask: np.ndarray):
        self.kept_shape = self.changed_shape = mask.shape
        self._mask = mask

    def split(self, value):
        """See `Partition`."""
        zero = tf.zeros_like(value)
        return tf.where(self._mask, value, zero), tf.where(self._mask, zero, value)

    def merge(self, kept, changed):
        """See `Partition`."""
        return tf.where(self._mask, kept, changed)

    def total(self, log_slopes):
        """See `Partition`."""
        return super().total(tf.where(self._mask, tf.zeros_like(log_slopes), log_slopes))

    def by_place(self, log_slopes):
        """See `Partition`."""
        return super().by_place(tf.where(self._mask, tf.zeros_like(log_slopes), log_slopes))


def partition_of(mask: np.ndarray, event_shape=None) -> Partition:
    """The partition of a mask, as `coupling_mask` returns it, of events of its shape by default."""
    if mask.ndim == 1:
        return Places(mask)
    channels = mask[(0,) * (mask.ndim - 1)]
    if (mask == channels).all():
        return Places(channels, tuple(event_shape or mask.shape)[:-1])
    return Pixels(mask)


def coupling_mask(mask, event_shape) -> np.ndarray:
    """A boolean mask of an event, True where it passes unchanged and conditions the rest.

    Args:
        mask: For vectors ``"half"`` (the first half passes) or ``"alternating"`` (even places
            pass); for images ``"checkerboard"`` (even squares pass); for images and sequences
            ``"channel"`` (the first half of the channels passes, rounded up); any with a ``~`` in
            front for its complement; or booleans of the shape of the event.
        event_shape: Shape of the event, ``size``, ``(length, channels)`` or ``(height, width,
            channels)``. An axis of free length, None, is of length 1 in the mask, and all its
            places are alike.

    Raises:
        ValueError: If the mask does not fit the event, is not boolean, or is all True or all
            False.
    """
    given = as_shape(event_shape, "event_shape", free=True)
    if len(given) not in (1, 2, 3):
        raise ValueError(
            "A coupling needs vectors, sequences [length, channels] or images [height, width, "
            f"channels] as events, got event_shape {given}."
        )
    shape = filled(given, 1)
    if isinstance(mask, str):
        named = _named_masks(shape)
        if None in given:
            named.pop("checkerboard", None)
        name = mask.removeprefix("~")
        if name not in named:
            raise unknown_name("mask", mask, [*named, *(f"~{key}" for key in named)])
        result = named[name] ^ mask.startswith("~")
    else:
        result = np.array(mask)
        if result.shape != shape or result.dtype != bool:
            size = " x ".join(map(str, shape))
            raise ValueError(f"mask must be {size} booleans, got {mask!r}.")
    if result.all() or not result.any():
        given = result.tolist() if len(shape) == 1 else f"{mask!r} for events of shape {shape}"
        raise ValueError(
            f"A coupling needs entries on both sides of its mask, got {given}; an event of one "
            "dimension has no coupling (use an autoregressive flow), an image of one channel none "
            "by channels."
        )
    return result


def _named_masks(shape):
    if len(shape) == 1:
        places = np.arange(shape[0])
        return {"half": places < shape[0] // 2, "alternating": places % 2 == 0}
    *places, channels = np.indices(shape)
    masks = {"channel": channels < shape[-1] - shape[-1] // 2}
    if len(shape) == 3:
        masks["checkerboard"] = sum(places) % 2 == 0
    return masks
