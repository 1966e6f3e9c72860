"""What one does in the latent space of a flow: interpolate, reconstruct, move along attributes."""

import tensorflow as tf

from tfp_flows.flows.flow import Flow


def interpolate(flow: Flow, start, stop, num: int = 8, context=None) -> tf.Tensor:
    """Data along the straight line between the latents of two events.

    Source: Glow, Kingma and Dhariwal 2018, arXiv:1807.03039, section 5.

    Args:
        flow: The flow.
        start: ``[..., *event_shape]``.
        stop: ``[..., *event_shape]``.
        num: Number of points, both ends included.
        context: ``[..., *context_shape]`` for a conditional flow, the same for all points.

    Returns:
        ``[num, ..., *event_shape]``.

    Raises:
        ValueError: If ``num`` is below 2 or a shape does not fit.
    """
    if num < 2:
        raise ValueError(f"num counts both ends and must be at least 2, got {num!r}.")
    first, last = flow.to_latent(start, context), flow.to_latent(stop, context)
    shares = tf.reshape(
        tf.linspace(tf.zeros([], flow.dtype), 1, num), [num] + [1] * first.shape.rank
    )
    return flow.from_latent(first + shares * (last - first), context)


def reconstruct(flow: Flow, x, context=None) -> tf.Tensor:
    """Maps data to the latent space and back: what a flow that inverts itself well returns as is.

    Args:
        flow: The flow.
        x: ``[..., *event_shape]``.
        context: ``[..., *context_shape]`` for a conditional flow.

    Returns:
        ``[..., *event_shape]``.
    """
    return flow.from_latent(flow.to_latent(x, context), context)


def attribute_direction(flow: Flow, having, lacking, context=None) -> tf.Tensor:
    """The difference of the mean latents of data that have an attribute and of data that lack it.

    A multiple of it, added to a latent, moves the data along the attribute.

    Source: Glow, Kingma and Dhariwal 2018, arXiv:1807.03039, section 5.

    Args:
        flow: The flow.
        having: ``[n, *event_shape]``.
        lacking: ``[m, *event_shape]``.
        context: ``[*context_shape]`` for a conditional flow.

    Returns:
        ``[*latent_shape]``.
    """
    means = [tf.reduce_mean(flow.to_latent(part, context), axis=0) for part in (having, lacking)]
    return means[0] - means[1]
