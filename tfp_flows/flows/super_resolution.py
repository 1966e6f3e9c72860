"""Large images given small ones."""

from collections.abc import Mapping

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.images import glow
from tfp_flows.networks import JoinedContext, PictureUpsampling
from tfp_flows.networks.initial import new_generator

_SMALL = "small"


def super_resolution(
    *,
    event_shape,
    factor: int = 4,
    further_context: Mapping | None = None,
    num_levels: int | None = None,
    depth: int = 8,
    hidden_units=(64,),
    features: int = 32,
    encoder_units=(64, 64),
    activation="relu",
    bins: int | None = 256,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Glow of large images given small ones: all large images that a small one may be of.

    An encoder makes a map of the small image, once an evaluation (`PictureUpsampling`). The map
    steers all couplings, and scales and shifts the image itself and each level
    (`AffineInjector`), so that the flow begins from what can be predicted and learns the rest. From
    level to level it is averaged.

    Source: SRFlow, Lugmayr et al. 2020, arXiv:2006.14200, section 3.

    Args:
        event_shape: ``(height, width, channels)`` of the large images.
        factor: How many times smaller the small ones are along each axis. They are the context,
            ``[..., height / factor, width / factor, channels]``, in the units of the large ones.
        further_context: A dict of the shapes of further contexts by name, vectors or maps of the
            places of the large images. The context is then a dict of these and of the small
            images, as ``"small"``.
        num_levels: Levels of the flow, each of which halves the image; by default as many as bring
            it to the size of the small one.
        depth: Steps of a level.
        hidden_units: Channels of the residual blocks of each network, one for each block.
        features: Channels of the map beside those of the enlarged small image.
        encoder_units: Channels of the residual blocks of the encoder.
        activation: Activation of each network.
        bins: Number of integers of a pixel; None for data that are real already.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights.

    Returns:
        A flow over ``[..., height, width, channels]``; latents are vectors.

    Raises:
        ValueError: If an argument is out of range, the factor does not divide the images, or a
            further context does not fit.
    """
    shape, factor = shapes.as_shape(event_shape, "event_shape"), shapes.positive(factor, "factor")
    if factor < 2:
        raise ValueError(f"factor must be 2 or more, got {factor}.")
    if len(shape) != 3 or shape[0] % factor or shape[1] % factor:
        raise ValueError(
            f"Images of shape {shape} are not {factor} times as large as others; height and width "
            f"must be divisible by {factor}."
        )
    of_flow, of_encoder = (int(n) for n in new_generator(seed).integers(2**31, size=2))
    encoder = PictureUpsampling(
        channels=shape[2],
        factor=factor,
        features=features,
        hidden_units=encoder_units,
        levels=bins,
        activation=activation,
        dtype=dtype,
        compute_dtype=compute_dtype,
        seed=of_encoder,
    )
    raw = (shape[0] // factor, shape[1] // factor, shape[2])
    joined = None
    if further_context is not None:
        if not isinstance(further_context, Mapping) or _SMALL in further_context:
            raise ValueError(
                f"further_context is a dict of shapes by name, none of them {_SMALL!r}, got "
                f"{further_context!r}."
            )
        raw = {**further_context, _SMALL: raw}
        joined = JoinedContext(context_shape=raw, places=shape[:2], encoders={_SMALL: encoder})
    inner = glow(
        event_shape=shape,
        context_shape=(*shape[:2], encoder.output_size) if joined is None else joined.output_shape,
        pool_context=True,
        num_levels=factor.bit_length() - 1 if num_levels is None else num_levels,
        depth=depth,
        hidden_units=hidden_units,
        activation=activation,
        injectors=True,
        bins=bins,
        standardize_context=False,
        base=base,
        dtype=dtype,
        compute_dtype=compute_dtype,
        seed=of_flow,
    )
    return Flow(
        inner.distribution,
        inner.bijector,
        embedding=encoder if joined is None else joined,
        context_shape=raw,
        name="super_resolution",
    )
