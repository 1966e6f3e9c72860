"""What the flows of images share: events, contexts, couplings, and how levels become a flow."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bijectors import Bijector, Chain, Coupling, Dequantize, Logit, MultiScale
from tfp_flows.bijectors.partition import coupling_mask, partition_of
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import context_standardized, standard_normal
from tfp_flows.networks import JoinedContext, ResidualConvNetwork
from tfp_flows.numerics import INPUT_BOUND
from tfp_flows.transformers import Affine

# For stability, where dozens of couplings follow each other: the scale of one (the papers' own
# are bounded by less).
_MAX_LOG_SCALE = 2.0


def image_event(event_shape, num_levels: int, squeezes: int) -> tuple[int, int, int]:
    """The shape of an image that can be halved so often."""
    shape = shapes.as_shape(event_shape, "event_shape")
    if len(shape) != 3:
        raise ValueError(
            f"Flows of images model [height, width, channels], got event_shape {shape}."
        )
    factor = 2**squeezes
    if shape[0] % factor or shape[1] % factor:
        raise ValueError(
            f"num_levels={num_levels} halves images {squeezes} times, but {shape[0]} x {shape[1]} "
            f"is not divisible by {factor}; use fewer levels, or pad the images."
        )
    return shape


def affine() -> Affine:
    """The transformer of couplings of images."""
    return Affine(max_log_scale=_MAX_LOG_SCALE)


def joined_context(context_shape, shape) -> JoinedContext | None:
    """What makes one context of several by name; None where there is one, or none."""
    if not isinstance(context_shape, dict):
        return None
    return JoinedContext(context_shape=context_shape, places=shape[:-1])


def image_context(context_shape, shape) -> tuple[int, ...] | None:
    """The shape of a context: a vector, or a map of the places of the image."""
    if context_shape is None:
        return None
    if (joining := joined_context(context_shape, shape)) is not None:
        return joining.output_shape
    context = shapes.as_shape(context_shape, "context_shape")
    if len(context) > 1 and context[:-1] != shape[:-1]:
        raise ValueError(
            f"A context map has the places of the images, {shape[0]} x {shape[1]} in level 1, got "
            f"context_shape {context}; resize it, or make it fit by an embedding."
        )
    return context


def image_coupling(shape, mask, network, transformer, context_shape) -> Coupling:
    """A coupling whose conditioner is a residual network of convolutions."""
    partition = partition_of(coupling_mask(mask, shape))
    kept, changed = partition.kept_shape[-1], partition.changed_shape[-1]
    conditioner = ResidualConvNetwork(
        input_size=kept,
        output_size=changed * transformer.num_parameters,
        input_bound=INPUT_BOUND,
        context_shape=context_shape,
        **network,
    )
    return Coupling(
        event_shape=shape,
        mask=mask,
        conditioner=conditioner,
        transformer=transformer,
        context_shape=context_shape,
        dtype=network["dtype"],
    )


def assembled(
    shape,
    levels: list[Bijector],
    bins,
    alpha,
    context_shape,
    standardize_context,
    base,
    dtype,
    name,
) -> Flow:
    """A flow over bytes, or numbers, from the levels of a multi-scale bijector."""
    members: list[Bijector] = []
    if bins is not None:
        members.append(Dequantize(event_shape=shape, bins=bins, dtype=dtype))
    if alpha is not None:
        members.append(Logit(event_shape=shape, alpha=alpha, dtype=dtype))
    elif bins is not None:
        members.append(tfp.bijectors.Shift(tf.constant(0.5, dtype)))
    bijector = Chain([*members, MultiScale(levels)])
    base = standard_normal(bijector.latent_shape, dtype) if base is None else base
    of_context = context_standardized(standardize_context, bijector)
    joining = joined_context(context_shape, shape)
    return Flow(
        base,
        bijector,
        embedding=joining,
        context_shape=None if joining is None else context_shape,
        standardize_context=of_context,
        name=name,
    )
