"""Block neural autoregressive flows."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import BlockNeuralAutoregressive, Permutation
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import assemble, layer_seeds, vector_event


def bnaf(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 2,
    hidden_units=(16, 16),
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Block neural autoregressive flow: sharp densities from one small network; fast density.

    Samples search for one coordinate after the other.

    Source: De Cao et al. 2019, arXiv:1904.04676.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        num_layers: Number of networks, with reversed orders between them.
        hidden_units: Units for each coordinate of each hidden layer.
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
    size = vector_event(event_shape, "bnaf")
    layers = []
    for one in layer_seeds(seed, shapes.positive(num_layers, "num_layers")):
        if layers:
            layers.append(Permutation(event_shape=size, dtype=dtype))
        layers.append(
            BlockNeuralAutoregressive(
                event_shape=size,
                context_shape=context_shape,
                hidden_units=hidden_units,
                dtype=dtype,
                seed=one,
            )
        )
    return assemble(
        layers,
        event_shape=size,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        name="bnaf",
    )
