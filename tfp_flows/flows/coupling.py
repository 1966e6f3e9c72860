"""NICE and RealNVP."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import Coupling, InvertibleLinear, Permutation, Scale
from tfp_flows.config import generation
from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import (
    assemble,
    layer_seeds,
    normalisation,
    vector_event,
)
from tfp_flows.transformers import Additive, Affine

_MIXINGS = ("flip", "random", "linear")
_MOST_STRETCH = 12.0


def nice(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 4,
    hidden_units=(64, 64),
    activation="relu",
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """NICE: additive couplings and a diagonal scaling; both directions fast, volume constant.

    Source: Dinh et al. 2014, arXiv:1410.8516.

    Args:
        event_shape: Size of the event, a vector of at least two entries.
        context_shape: Size of the context.
        num_layers: Number of couplings; their masks alternate.
        hidden_units: Hidden layers of each conditioner.
        activation: Activation of each conditioner.
        standardize: Whether a standardiser, adapted before training, faces the data.
        standardize_context: Whether the context is standardised likewise, if there is one.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights.

    Returns:
        A flow over ``[..., D]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    size = vector_event(event_shape, "nice")
    couplings = _couplings(
        size,
        num_layers,
        seed,
        transformer=Additive(),
        context_shape=context_shape,
        hidden_units=hidden_units,
        activation=activation,
        dtype=dtype,
        compute_dtype=compute_dtype,
    )
    layers = [Scale(event_shape=size, dtype=dtype), *couplings]
    return assemble(
        layers,
        event_shape=size,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        name="nice",
    )


def realnvp(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 8,
    hidden_units=(64, 64),
    activation="relu",
    mixing: str = "flip",
    max_log_scale: float | None = None,
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    tails: float | None = 3.0,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """RealNVP on vectors: affine couplings; density and samples both cost one pass.

    Source: Dinh et al. 2017, arXiv:1605.08803.

    Args:
        event_shape: Size of the event, a vector of at least two entries.
        context_shape: Size of the context.
        num_layers: Number of couplings.
        hidden_units: Hidden layers of each conditioner.
        activation: Activation of each conditioner.
        mixing: How entries change sides between couplings: ``"flip"`` (complementary masks),
            ``"random"`` (seeded permutations) or ``"linear"`` (learned PLU maps).
        max_log_scale: Bound on the absolute log-scale of a coupling; that of
            `tfp_flows.transformers.Affine` by default, and in deep flows what lets the layers
            together stretch by ``exp(12)`` at most.
        normalization: ``"batch"`` or ``"act"`` for a normalisation after each coupling, or None.
        standardize: Whether a standardiser, adapted before training, faces the data.
        standardize_context: Whether the context is standardised likewise, if there is one.
        base: Base distribution; the standard normal by default.
        tails: Where the base, standard normal before, has power tails instead: so many deviations
            out, beyond which a row costs by the logarithm of its distance and cannot rule a mean
            (`bijectors.PowerTails`); None for normal tails. Not of a base of your own.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights and permutations.

    Returns:
        A flow over ``[..., D]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    size = vector_event(event_shape, "realnvp")
    if mixing not in _MIXINGS:
        raise unknown_name("mixing", mixing, _MIXINGS)
    couplings = _couplings(
        size,
        num_layers,
        seed,
        transformer=_affine(shapes.positive(num_layers, "num_layers"), max_log_scale),
        context_shape=context_shape,
        hidden_units=hidden_units,
        activation=activation,
        dtype=dtype,
        compute_dtype=compute_dtype,
    )
    layers = []
    for coupling, layer_seed in zip(couplings, layer_seeds(seed, len(couplings)), strict=True):
        layers += [coupling, *normalisation(normalization, size, dtype)]
        mixed = {"event_shape": size, "seed": layer_seed, "dtype": dtype}
        if mixing == "random":
            layers.append(Permutation(permutation="random", **mixed))
        elif mixing == "linear":
            layers.append(InvertibleLinear(**mixed))
    return assemble(
        layers,
        event_shape=size,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        tails=tails,
        dtype=dtype,
        name="realnvp",
    )


def _affine(num_layers, max_log_scale) -> Affine:
    """What a coupling does; in deep flows the bound of each layer shrinks with their number.

    By default twelve couplings, six of which scale an entry, stretch no more than six with the
    default of `Affine` do: without that a row of ordinary size can be stretched far out.
    """
    if max_log_scale is not None:
        return Affine(max_log_scale=max_log_scale)
    if generation() < 2 or num_layers <= 6:
        return Affine()
    return Affine(max_log_scale=_MOST_STRETCH / num_layers)


def _couplings(size, num_layers, seed, **options) -> list[Coupling]:
    """Couplings whose masks alternate."""
    return [
        Coupling(event_shape=size, mask=("alternating", "~alternating")[i % 2], seed=one, **options)
        for i, one in enumerate(layer_seeds(seed, shapes.positive(num_layers, "num_layers")))
    ]
