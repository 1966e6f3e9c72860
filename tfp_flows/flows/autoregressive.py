"""MAF and IAF."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import InverseAutoregressive, MaskedAutoregressive
from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import (
    assemble,
    layer_seeds,
    normalisation,
    vector_event,
)


def maf(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 6,
    hidden_units=(64, 64),
    activation="relu",
    input_order: str = "alternate",
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    tails: float | None = 3.0,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Masked autoregressive flow: fast density, the strongest classic choice for tables.

    Source: Papamakarios et al. 2017, arXiv:1705.07057.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        num_layers: Number of autoregressive layers.
        hidden_units: Hidden layers of each network.
        activation: Activation of each network.
        input_order: ``"alternate"`` (each layer reverses the order of the one before) or
            ``"random"`` (drawn from the seed, saved).
        normalization: ``"batch"`` or ``"act"`` for a normalisation after each layer, or None.
        standardize: Whether a standardiser, adapted before training, faces the data.
        standardize_context: Whether the context is standardised likewise, if there is one.
        base: Base distribution; the standard normal by default.
        tails: Where the base, standard normal before, has power tails instead: so many deviations
            out, beyond which a row costs by the logarithm of its distance and cannot rule a mean
            (`bijectors.PowerTails`); None for normal tails. Not of a base of your own.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights and the orders.

    Returns:
        A flow over ``[..., D]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    return _autoregressive(
        MaskedAutoregressive,
        event_shape,
        num_layers,
        input_order,
        normalization,
        seed,
        layer={
            "context_shape": context_shape,
            "hidden_units": hidden_units,
            "activation": activation,
            "compute_dtype": compute_dtype,
        },
        whole={
            "standardize": standardize,
            "standardize_context": standardize_context,
            "base": base,
            "tails": tails,
            "dtype": dtype,
            "name": "maf",
        },
    )


def iaf(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 6,
    hidden_units=(64, 64),
    activation="relu",
    input_order: str = "alternate",
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    tails: float | None = 3.0,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Inverse autoregressive flow: fast samples with their density, for variational inference.

    The density of given data is its slow direction; to fit data, prefer `maf`.

    Source: Kingma et al. 2016, arXiv:1606.04934. Arguments, results and errors as in `maf`.
    """
    return _autoregressive(
        InverseAutoregressive,
        event_shape,
        num_layers,
        input_order,
        normalization,
        seed,
        layer={
            "context_shape": context_shape,
            "hidden_units": hidden_units,
            "activation": activation,
            "compute_dtype": compute_dtype,
        },
        whole={
            "standardize": standardize,
            "standardize_context": standardize_context,
            "base": base,
            "tails": tails,
            "dtype": dtype,
            "name": "iaf",
        },
    )


def _autoregressive(
    bijector, event_shape, num_layers, input_order, normalization, seed, layer, whole
) -> Flow:
    size = vector_event(event_shape, whole["name"])
    if input_order not in ("alternate", "random"):
        raise unknown_name("input_order", input_order, ("alternate", "random"))
    dtype, layers = whole["dtype"], []
    for i, layer_seed in enumerate(layer_seeds(seed, shapes.positive(num_layers, "num_layers"))):
        order = ("left-to-right", "right-to-left")[i % 2]
        if input_order == "random":
            order = "random"
        layers.append(
            bijector(event_shape=size, input_order=order, dtype=dtype, seed=layer_seed, **layer)
        )
        layers.extend(normalisation(normalization, size, dtype))
    return assemble(layers, event_shape=size, **whole)
