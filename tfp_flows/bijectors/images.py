"""Squeezing places into channels, of images and of sequences."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.places import over_places
from tfp_flows.bijectors.vectors import check_context


class Squeeze(Bijector):
    """Blocks of ``2 x 2`` pixels of the data become the channels of one pixel of the latent.

    Channels of the latent are ordered by row and column within the block, then by channel of the
    data, so that halves of them differ from the squares of a checkerboard. The volume is kept. Of
    sequences, blocks of two places, or of ``factor``, become one.

    A context does not change the map. A context map, of the places of the event, is squeezed
    likewise, or averaged over each block, for the bijectors behind; a vector goes on as it is.

    Source: RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 3.6; WaveGlow, Prenger et al.
    2018, arXiv:1811.00002, section 2, for sequences.

    Args:
        event_shape: ``(height, width, channels)``; the latent is ``(height / 2, width / 2,
            4 channels)``. Or ``(length, channels)``, with latents ``(length / 2, 2 channels)``.
            Lengths may be free, None.
        factor: Length of a block on each axis.
        context_shape: Shape of the context that passes here, for the bijectors behind.
        pool_context: Whether a context map is averaged over blocks, and keeps its channels.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the event has no places, the factor does not divide a length (a free one: of
            a value), or the context is neither a vector nor a map of the event's places.
    """

    free_lengths = True

    def __init__(
        self,
        *,
        event_shape,
        factor: int = 2,
        context_shape=None,
        pool_context: bool = False,
        dtype=tf.float32,
        name=None,
    ):
        shape = shapes.as_shape(event_shape, "event_shape", free=True)
        factor = shapes.positive(factor, "factor")
        places = shape[:-1]
        if len(places) not in (1, 2) or any(n is not None and n % factor for n in places):
            even = "even" if factor == 2 else f"divisible by {factor}"
            raise ValueError(
                "Squeeze needs images [height, width, channels] or sequences [length, channels] "
                f"whose height and width, or length, are {even}, got event_shape {shape}; pad or "
                "crop them."
            )
        self._factor, self._pools = factor, bool(pool_context)
        inner = tuple(None if n is None else n // factor for n in places)
        block = factor ** len(places)
        context = inward = None
        if context_shape is not None:
            context = inward = shapes.as_shape(context_shape, "context_shape", free=True)
            if len(context) > 1:
                inward = (*inner, context[-1] * (1 if pool_context else block))
        super().__init__(
            event_shape=shape,
            latent_shape=(*inner, block * shape[-1]),
            context_shape=context,
            latent_context_shape=inward,
            dtype=dtype,
            name=name,
        )
        check_context(self)

    @property
    def place_factors(self):
        """By how much the latent has fewer places on each axis."""
        return (self._factor,) * (len(self.event_shape) - 1)

    def _forward_and_log_det(self, x, context, training):
        rank = len(self.event_shape)
        y = shapes.channels_to_blocks(shapes.flatten_batch(x, rank), self._factor)
        return shapes.unflatten_batch(y, x, rank, self.event_shape), self._zero(x)

    def _inverse_and_log_det(self, y, context, training):
        x = self._squeezed(y)
        return shapes.unflatten_batch(x, y, len(self.event_shape), self.latent_shape), self._zero(y)

    def _inverse_and_log_det_map(self, y, context, training):
        return self._inverse_value(y, context, training), over_places(y, tf.zeros([], self.dtype))

    def _context_inward(self, context):
        if len(self.context_shape) == 1:
            return context
        rank = len(self.context_shape)
        inner = self._squeezed(context)
        if self._pools:
            # Channels within the block come last.
            lengths = shapes.sizes(inner, range(rank))
            inner = tf.reduce_mean(tf.reshape(inner, [*lengths, -1, self.context_shape[-1]]), -2)
        return shapes.unflatten_batch(inner, context, rank, self.latent_context_shape)

    def _squeezed(self, value):
        """``[n, *places, channels]``; a length that does not divide is named here."""
        value = shapes.flatten_batch(value, len(self.event_shape))
        for length in value.shape[1:-1]:
            if length is not None:
                shapes.divided(length, self._factor, self.name)
        return shapes.blocks_to_channels(value, self._factor)

    def _zero(self, value):
        return tf.zeros(shapes.batch_shape_tensor(value, len(self.event_shape)), value.dtype)
