"""What the recipes share: base, standardiser, seeds and assembly."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bases import StandardNormal, UniformTorus
from tfp_flows.bijectors import (
    ActNorm,
    BatchNorm,
    Bijector,
    Chain,
    Householder,
    InvertibleLinear,
    Permutation,
    PowerTails,
    RobustStandardize,
    Scale,
    Standardize,
)
from tfp_flows.config import generation
from tfp_flows.errors import remark, unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.networks.initial import new_generator
from tfp_flows.transformers import Additive
from tfp_flows.transformers.check import bends

tfd = tfp.distributions


def standard_normal(event_shape, dtype=tf.float32) -> tfd.Distribution:
    """The standard normal distribution over events of the given shape, None for free lengths."""
    shape = shapes.as_shape(event_shape, "event_shape", free=True)
    if None in shape:
        return StandardNormal(event_shape=shape, dtype=dtype)
    zero, one = tf.zeros([], dtype), tf.ones([], dtype)
    return tfd.Sample(tfd.Normal(zero, one), shape)


def layer_seeds(seed: int | None, count: int) -> list[int]:
    """Independent seeds for ``count`` layers, reproducible from one."""
    return [int(number) for number in new_generator(seed).integers(2**31, size=count)]


def vector_event(event_shape, flow: str) -> int:
    """The size of a vector event.

    Raises:
        ValueError: If the event is not a vector.
    """
    shape = shapes.as_shape(event_shape, "event_shape")
    if len(shape) != 1:
        raise ValueError(f"{flow} models vectors, got event_shape {shape}.")
    return shape[0]


_NORMALISATIONS = {"batch": BatchNorm, "act": ActNorm}


def normalisation(kind: str | None, event_shape, dtype) -> list[Bijector]:
    """The normalisation that follows a layer: a list of one, or of none.

    Args:
        kind: ``"batch"``, ``"act"`` or None.
        event_shape: Shape of the event; images are normalised by channel.
        dtype: Of the bijector.

    Raises:
        InputError: If the kind is unknown.
    """
    if kind is None:
        return []
    if kind not in _NORMALISATIONS:
        raise unknown_name("normalization", kind, _NORMALISATIONS)
    shape = shapes.as_shape(event_shape, "event_shape")
    return [_NORMALISATIONS[kind](event_shape=shape, per_channel=len(shape) == 3, dtype=dtype)]


_STRAIGHT = (ActNorm, BatchNorm, Householder, InvertibleLinear, Permutation, Scale)


def _bends(layer: Bijector) -> bool:
    """Whether a layer can be more than a straight map, given the context."""
    if isinstance(layer, _STRAIGHT):
        return False
    transformer = getattr(layer, "transformer", None)
    if transformer is None:
        return True
    if layer.event_shape == (1,):
        return bends(transformer, layer.dtype)
    # A sum of linear functions of the others.
    config = layer.get_config()
    own = config.get("conditioner") is None and config.get("network") is None
    linear = config.get("activation") == "linear" or not len(config.get("hidden_units", (1,)))
    return not (own and linear and isinstance(transformer, Additive))


def assemble(
    layers: list[Bijector],
    *,
    event_shape,
    standardize: bool,
    standardize_context: bool = True,
    base,
    dtype,
    name: str,
    tails: float | None = None,
) -> Flow:
    """Puts layers, data side first, on a base, behind standardisers if asked for.

    A knee of ``tails`` gives the standard normal base `PowerTails`; a base of the user's own stays
    as it is.

    It warns (`tfp_flows.errors.DataWarning`) if all layers are straight, so that the flow is one
    Gaussian whatever is trained.

    Raises:
        ValueError: If the base is one of angles, whose density has no end.
    """
    if isinstance(base, UniformTorus):
        raise ValueError(
            f"{name} has latents of any size, and {base.name} is a density of angles; use "
            "circular_nsf, or another base."
        )
    if base is None and not any(_bends(layer) for layer in layers):
        size = "one column" if event_shape in (1, (1,)) else "these arguments"
        remark(
            f"{name} with {size} can only be a Gaussian, given the context if there is one; use "
            "nsf with mode='autoregressive', naf, planar, or a base of tfp_flows.bases."
        )
    elif base is None and tails is not None and generation() > 2:
        layers = [*layers, PowerTails(event_shape=event_shape, knee=tails, dtype=dtype)]
    if standardize:
        # Fits begun before it was there go on as they were.
        standardizer = RobustStandardize if generation() > 0 else Standardize
        layers = [standardizer(event_shape=event_shape, dtype=dtype), *layers]
    base = standard_normal(event_shape, dtype) if base is None else base
    chain = Chain(layers)
    of_context = context_standardized(standardize_context, chain)
    return Flow(base, chain, standardize_context=of_context, name=name)


def context_standardized(asked: bool, bijector: Bijector) -> bool:
    """Whether a recipe standardises the context of its bijector."""
    return asked and bijector.context_shape is not None and generation() > 0
