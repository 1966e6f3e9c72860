"""Vectors and maps by name as the one context of a flow of images."""

from collections.abc import Mapping

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.config import Configurable


class JoinedContext(Configurable, tf.Module):
    """A dict of vectors and maps to one map: the maps' channels, and the vectors at all places.

    Vectors alone are joined to one vector. Parts are joined in the order of their names.

    Args:
        context_shape: A dict of shapes: of vectors, of maps ``(*places, channels)``, and of what
            encoders take.
        places: Places of the event, its shape but for the channels.
        encoders: A dict of networks, each with an ``output_size``, which make maps of the contexts
            of their names, such as `PictureUpsampling`.
        name: Name of the module.

    Raises:
        ValueError: If the dict is empty, a shape is neither that of a vector nor of a map of these
            places, or an encoder has no context.
    """

    def __init__(
        self,
        *,
        context_shape: Mapping,
        places,
        encoders: Mapping | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        places, self._encoders = tuple(places), dict(encoders or {})
        if not context_shape:
            raise ValueError("context_shape is an empty dict; leave it out for no context.")
        if unknown := sorted(self._encoders.keys() - context_shape.keys()):
            raise ValueError(f"There is no context for the encoders {unknown}.")
        channels, self._spread = 0, bool(self._encoders)
        for key, given in context_shape.items():
            if key in self._encoders:
                channels += self._encoders[key].output_size
                continue
            shape = shapes.as_shape(given, f"context_shape[{key!r}]")
            if len(shape) > 1 and shape[:-1] != places:
                raise ValueError(
                    f"context_shape[{key!r}] is {shape}, neither of a vector nor of a map of the "
                    f"places {places}; resize it, or make it fit by an embedding."
                )
            channels, self._spread = channels + shape[-1], self._spread or len(shape) > 1
        self.output_shape = (*places, channels) if self._spread else (channels,)

    def __call__(self, context):
        """Joins a dict of ``[n, *shape]`` to ``[n, *output_shape]``."""
        parts = [
            self._encoders[key](part) if key in self._encoders else part
            for key, part in sorted(context.items())
        ]
        if self._spread:
            like = next(part for part in parts if part.shape.rank > 2)
            parts = [shapes.at_every_place(part, like) for part in parts]
        return tf.concat(parts, axis=-1)
