"""Continuous flows."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import ContinuousFlow
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import assemble, layer_seeds, vector_event


def ffjord(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 1,
    hidden_units=(64, 64),
    activation="tanh",
    solver: str = "dopri5",
    rtol: float = 1e-5,
    atol: float = 1e-5,
    num_steps: int = 16,
    trace: str = "auto",
    kinetic_penalty: float = 0.0,
    jacobian_penalty: float = 0.0,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Continuous flow: smooth densities, any network as field; slow but the same both ways.

    Source: FFJORD, Grathwohl et al. 2019, arXiv:1810.01367.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        num_layers: Number of fields, one after the other.
        hidden_units: Hidden layers of each field.
        activation: Activation of each field, a smooth one.
        solver: ``"dopri5"`` or ``"rk4"``; see `tfp_flows.bijectors.ContinuousFlow`.
        rtol: Relative tolerance of ``"dopri5"``.
        atol: Absolute tolerance of ``"dopri5"``.
        num_steps: Steps of ``"rk4"``.
        trace: ``"exact"``, ``"hutchinson"`` in training, or ``"auto"``.
        kinetic_penalty: Factor on the squared speed; 0.01 in Finlay et al. 2020.
        jacobian_penalty: Factor on the squared Jacobian of the field; 0.01 there.
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
    size = vector_event(event_shape, "ffjord")
    layers = [
        ContinuousFlow(
            event_shape=size,
            context_shape=context_shape,
            hidden_units=hidden_units,
            activation=activation,
            solver=solver,
            rtol=rtol,
            atol=atol,
            num_steps=num_steps,
            trace=trace,
            kinetic_penalty=kinetic_penalty,
            jacobian_penalty=jacobian_penalty,
            dtype=dtype,
            seed=one,
        )
        for one in layer_seeds(seed, shapes.positive(num_layers, "num_layers"))
    ]
    return assemble(
        layers,
        event_shape=size,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        name="ffjord",
    )
