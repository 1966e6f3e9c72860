"""Softsign, planar, radial and Sylvester flows."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import MinMax, Planar, Radial, SoftsignBimodal, Sylvester
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import assemble, layer_seeds, vector_event


def softsign_bimodal(
    *, event_shape, sharpness=1.0, standardize: bool = False, base=None, dtype=tf.float32
) -> Flow:
    """One mode becomes two: a demonstration of a change of variables, with support in (-1, 1).

    Args:
        event_shape: Shape of an event; each coordinate has a sharpness of its own.
        sharpness: Initial sharpness, positive.
        standardize: Whether the range of the data is mapped into (-1, 1) before training.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.

    Returns:
        A flow over ``[..., *event_shape]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    layers = [SoftsignBimodal(event_shape=event_shape, sharpness=sharpness, dtype=dtype)]
    if standardize:
        layers.insert(0, MinMax(event_shape=event_shape, dtype=dtype))
    return assemble(
        layers,
        event_shape=event_shape,
        standardize=False,
        base=base,
        dtype=dtype,
        name="softsign_bimodal",
    )


def planar(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 32,
    hidden_units=(32,),
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Planar flow: bends space along hyperplanes; small, for low dimensions and inference.

    Source: Rezende and Mohamed 2015, arXiv:1505.05770.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context, from which a network predicts the weights.
        num_layers: Number of layers.
        hidden_units: Hidden layers of that network.
        standardize: Whether a standardiser, adapted before training, faces the data.
        standardize_context: Whether the context is standardised likewise, if there is one.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.

    Returns:
        A flow over ``[..., D]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    return _stack(
        Planar,
        event_shape,
        num_layers,
        seed,
        layer={"context_shape": context_shape, "hidden_units": hidden_units},
        whole={
            "standardize": standardize,
            "standardize_context": standardize_context,
            "base": base,
            "dtype": dtype,
            "name": "planar",
        },
    )


def radial(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 16,
    hidden_units=(32,),
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Radial flow: contracts or expands around points; small, closed in both directions.

    Source: Rezende and Mohamed 2015, arXiv:1505.05770. Arguments, results and errors as in
    `planar`.
    """
    return _stack(
        Radial,
        event_shape,
        num_layers,
        seed,
        layer={"context_shape": context_shape, "hidden_units": hidden_units},
        whole={
            "standardize": standardize,
            "standardize_context": standardize_context,
            "base": base,
            "dtype": dtype,
            "name": "radial",
        },
    )


def sylvester(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 8,
    num_units: int | None = None,
    hidden_units=(32,),
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Sylvester flow: planar flows of several units; for inference in medium dimensions.

    Source: van den Berg et al. 2018, arXiv:1803.05649. Arguments, results and errors as in
    `planar`, and ``num_units``, the units of a layer, as in `tfp_flows.bijectors.Sylvester`.
    """
    return _stack(
        Sylvester,
        event_shape,
        num_layers,
        seed,
        layer={
            "context_shape": context_shape,
            "hidden_units": hidden_units,
            "num_units": num_units,
        },
        whole={
            "standardize": standardize,
            "standardize_context": standardize_context,
            "base": base,
            "dtype": dtype,
            "name": "sylvester",
        },
    )


def _stack(bijector, event_shape, num_layers, seed, layer, whole) -> Flow:
    size = vector_event(event_shape, whole["name"])
    layers = [
        bijector(event_shape=size, dtype=whole["dtype"], seed=layer_seed, **layer)
        for layer_seed in layer_seeds(seed, shapes.positive(num_layers, "num_layers"))
    ]
    return assemble(layers, event_shape=size, **whole)
