"""Places of an event, all its axes but the last: how many there are, and the density at each."""

import math

import tensorflow as tf

from tfp_flows import shapes


class ByPlace:
    """Mixin of `Bijector`: log-dets and densities place by place, and places of the latent.

    The places of an event ``[*places, channels]`` are all its axes but the last; a vector is one
    place. A bijector that treats each place by itself, given what conditions it, writes

    - ``_inverse_and_log_det_map(y, context, training)``, returning ``x`` and the share of each
      place in the log-det, ``[..., *places]``, which sums to it.
    """

    @tf.autograph.experimental.do_not_convert
    def inverse_and_log_det_map(self, y, context=None, training=False):
        """Maps data to latent, with the share of each place of the data in the log-det.

        Args:
            y: ``[..., *event_shape]``.
            context: As in `inverse_and_log_det`.
            training: As in `inverse_and_log_det`.

        Returns:
            ``x``, ``[..., *latent_shape]``, and ``[..., *places]`` in nats, whose sum over the
            places is the log-det of `inverse_and_log_det`.

        Raises:
            ValueError: If a shape does not fit, or a context is missing or not expected.
            NotImplementedError: If the bijector mixes places.
        """
        y, context = self._prepare(y, context, "y")
        return self._inverse_and_log_det_map(y, context, training)

    def _inverse_and_log_det_map(self, y, context, training):
        if len(self.event_shape) <= 1 and len(self.latent_shape) <= 1:
            return self._inverse_and_log_det(y, context, training)
        raise self._mixes_places()

    @property
    def place_factors(self) -> tuple[int, ...] | None:
        """By how much the latent has fewer places on each axis; None if its places are others."""
        places = self.event_shape[:-1]
        return (1,) * len(places) if places == self.latent_shape[:-1] else None

    def spread_places(self, value: tf.Tensor) -> tf.Tensor:
        """Brings numbers of the latent's places to those of the event.

        What stands for a block of places is shared equally among them, so that the sum stays.

        Args:
            value: ``[..., *latent_places]``.

        Returns:
            ``[..., *places]``.

        Raises:
            NotImplementedError: If the latent has no places of the event.
        """
        factors = self.place_factors
        if factors is None:
            raise self._mixes_places()
        for axis, factor in enumerate(reversed(factors), start=1):
            if factor > 1:
                value = tf.repeat(value, factor, axis=value.shape.rank - axis)
        share = math.prod(factors)
        return value / share if share > 1 else value

    def spread_entries(self, value: tf.Tensor) -> tf.Tensor:
        """Brings numbers of the latent's entries to the places of the event; see `spread_places`.

        Args:
            value: ``[..., *latent_shape]``.

        Returns:
            ``[..., *places]``, of the same sum.
        """
        return self.spread_places(tf.reduce_sum(value, axis=-1))

    def latent_lengths(self, lengths) -> list:
        """The lengths of a latent's free axes, in order, from those of its event.

        Args:
            lengths: Numbers, or scalars of a graph.

        Raises:
            ValueError: If a known length does not divide.
        """
        free = [i for i, size in enumerate(self.event_shape) if size is None]
        return [
            shapes.divided(length, self.place_factors[i], self.name)
            for i, length in zip(free, lengths, strict=True)
        ]

    def _mixes_places(self):
        return NotImplementedError(
            f"{self.name} mixes the places of an event {self.event_shape}, so it has no density by "
            "place; use bijectors that treat places alike (Scale, ActNorm, InvertibleConv1x1, "
            "Coupling)."
        )


def over_places(value: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """One share, or one for each place of an event, for all events: ``[..., *places]``."""
    size = shapes.sizes(value, range(value.shape.rank - 1))
    return tf.broadcast_to(share, size)
