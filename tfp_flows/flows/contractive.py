"""Residual flows."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import Residual
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import (
    assemble,
    layer_seeds,
    normalisation,
    vector_event,
)


def residual(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 8,
    hidden_units=(64, 64),
    lipschitz: float = 0.97,
    log_det: str = "auto",
    normalization: str | None = "act",
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Residual flow: every entry moves every other; fast density, samples by iteration.

    Source: Chen et al. 2019, arXiv:1906.02735.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        num_layers: Number of residual blocks.
        hidden_units: Hidden layers of each block.
        lipschitz: Bound on the Lipschitz constant of each block, in (0, 1).
        log_det: ``"exact"``, ``"roulette"`` in training, or ``"auto"``; see
            `tfp_flows.bijectors.Residual`.
        normalization: ``"batch"`` or ``"act"`` for a normalisation after each block, or None.
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
    size = vector_event(event_shape, "residual")
    layers = []
    for one in layer_seeds(seed, shapes.positive(num_layers, "num_layers")):
        layers.append(
            Residual(
                event_shape=size,
                context_shape=context_shape,
                hidden_units=hidden_units,
                lipschitz=lipschitz,
                log_det=log_det,
                dtype=dtype,
                seed=one,
            )
        )
        layers += normalisation(normalization, size, dtype)
    return assemble(
        layers,
        event_shape=size,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        name="residual",
    )
