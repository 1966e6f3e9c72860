"""What bijectors of images share: the shape of an event, and squeezing space into channels."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector


def image_shape(bijector: Bijector) -> tuple[int, int, int]:
    """The height, width and channels of a bijector's event.

    Raises:
        ValueError: If the event is not an image.
    """
    shape = bijector.event_shape
    if len(shape) != 3:
        raise ValueError(
            f"{bijector.name} needs images [height, width, channels] as events, got event_shape "
            f"{shape}."
        )
    return shape


class Squeeze(Bijector):
    """Blocks of ``2 x 2`` pixels of the data become the channels of one pixel of the latent.

    Channels of the latent are ordered by row and column within the block, then by channel of the
    data, so that halves of them differ from the squares of a checkerboard. The volume is kept.

    Source: RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 3.6.

    Args:
        event_shape: ``(height, width, channels)``; the latent is ``(height / 2, width / 2,
            4 channels)``.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the event is not an image, or height or width is odd.
    """

    def __init__(self, *, event_shape, dtype=tf.float32, name=None):
        shape = shapes.as_shape(event_shape, "event_shape")
        if len(shape) != 3 or shape[0] % 2 or shape[1] % 2:
            raise ValueError(
                "Squeeze needs images [height, width, channels] of even height and width, got "
                f"event_shape {shape}; pad or crop them."
            )
        height, width, channels = shape
        super().__init__(
            event_shape=shape,
            latent_shape=(height // 2, width // 2, 4 * channels),
            dtype=dtype,
            name=name,
        )

    def _forward_and_log_det(self, x, context, training):
        y = tf.nn.depth_to_space(shapes.flatten_batch(x, 3), 2)
        return shapes.unflatten_batch(y, x, 3, self.event_shape), _no_change(x)

    def _inverse_and_log_det(self, y, context, training):
        x = tf.nn.space_to_depth(shapes.flatten_batch(y, 3), 2)
        return shapes.unflatten_batch(x, y, 3, self.latent_shape), _no_change(y)


def _no_change(value):
    return tf.zeros(shapes.batch_shape_tensor(value, 3), value.dtype)
