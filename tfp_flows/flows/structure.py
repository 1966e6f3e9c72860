"""Flows of any transformer, in couplings or in autoregressive layers."""

from tfp_flows import shapes
from tfp_flows.bijectors import (
    Bijector,
    Coupling,
    Householder,
    InvertibleLinear,
    MaskedAutoregressive,
    Permutation,
)
from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import assemble, layer_seeds, normalisation, vector_event
from tfp_flows.transformers import Transformer

MIXINGS = ("flip", "random", "linear", "orthogonal")
MODES = ("coupling", "autoregressive")


def flow_of(
    transformer: Transformer,
    *,
    name: str,
    event_shape,
    dtype,
    standardize: bool,
    standardize_context: bool,
    base,
    **options,
) -> Flow:
    """A flow of one transformer; ``options`` are those of `layers`.

    Raises:
        InputError: If mode or mixing are unknown.
        ValueError: If the event is not a vector, or an argument is out of range.
    """
    size = vector_event(event_shape, name)
    return assemble(
        layers(transformer, size=size, dtype=dtype, **options),
        event_shape=size,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        name=name,
    )


def layers(
    transformer: Transformer,
    *,
    mode: str,
    size: int,
    num_layers: int,
    mixing: str,
    normalization: str | None,
    seed: int | None,
    context_shape,
    hidden_units,
    activation,
    dtype,
    compute_dtype,
    residual: bool = False,
) -> list[Bijector]:
    """Layers, data side first.

    Args:
        transformer: What is applied to each coordinate.
        mode: ``"coupling"`` or ``"autoregressive"``.
        size: Size of the event.
        num_layers: Number of couplings or autoregressive layers.
        mixing: How entries change places between layers: ``"flip"`` (complementary masks, or
            reversed orders), ``"random"`` (seeded permutations), ``"linear"`` (learned PLU maps) or
            ``"orthogonal"`` (learned rotations).
        normalization: ``"batch"`` or ``"act"`` for a normalisation after each layer, or None.
        seed: Seed of the initial weights and permutations.
        context_shape: Size of the context.
        hidden_units: Hidden layers of each network.
        activation: Activation of each network.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks, or None.
        residual: Whether autoregressive networks are residual.

    Raises:
        InputError: If mode or mixing are unknown.
        ValueError: If ``residual`` is asked for in couplings.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    if mixing not in MIXINGS:
        raise unknown_name("mixing", mixing, MIXINGS)
    if residual and mode == "coupling":
        raise ValueError("residual is for mode='autoregressive'; leave it out.")
    options = {
        "event_shape": size,
        "context_shape": context_shape,
        "transformer": transformer,
        "dtype": dtype,
    }
    networks = {
        "hidden_units": hidden_units,
        "activation": activation,
        "compute_dtype": compute_dtype,
    }
    result = []
    for i, one in enumerate(layer_seeds(seed, shapes.positive(num_layers, "num_layers"))):
        if mode == "coupling":
            mask = ("alternating", "~alternating")[i % 2]
            result.append(Coupling(mask=mask, seed=one, **networks, **options))
        else:
            order = ("left-to-right", "right-to-left")[i % 2 if mixing == "flip" else 0]
            result.append(
                MaskedAutoregressive(
                    input_order=order, residual=residual, seed=one, **networks, **options
                )
            )
        result += normalisation(normalization, size, dtype)
        mixed = {"event_shape": size, "seed": one, "dtype": dtype}
        if mixing == "random":
            result.append(Permutation(permutation="random", **mixed))
        elif mixing == "linear":
            result.append(InvertibleLinear(**mixed))
        elif mixing == "orthogonal":
            result.append(Householder(**mixed))
    return result
