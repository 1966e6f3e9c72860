"""MAF and IAF."""

import tensorflow as tf

from tfp_flows.bijectors import ActNorm, BatchNorm, InverseAutoregressive, MaskedAutoregressive
from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import assemble, layer_seeds, positive, vector_event

_NORMALISATIONS = {"batch": BatchNorm, "act": ActNorm}


def maf(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 6,
    hidden_units=(64, 64),
    activation="tanh",
    input_order: str = "alternate",
    normalization: str | None = None,
    standardize: bool = True,
    base=None,
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
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights and the orders.

    Returns:
        A flow over ``[..., D]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    return _autoregressive(MaskedAutoregressive, "maf", locals())


def iaf(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 6,
    hidden_units=(64, 64),
    activation="tanh",
    input_order: str = "alternate",
    normalization: str | None = None,
    standardize: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Inverse autoregressive flow: fast samples with their density, for variational inference.

    The density of given data costs one network pass a dimension; to fit data, prefer `maf`.

    Source: Kingma et al. 2016, arXiv:1606.04934. Arguments, results and errors as in `maf`.
    """
    return _autoregressive(InverseAutoregressive, "iaf", locals())


def _autoregressive(bijector, name, options) -> Flow:
    size = vector_event(options["event_shape"], name)
    count = positive(options["num_layers"], "num_layers")
    order, normalization = options["input_order"], options["normalization"]
    if order not in ("alternate", "random"):
        raise unknown_name("input_order", order, ("alternate", "random"))
    if normalization is not None and normalization not in _NORMALISATIONS:
        raise unknown_name("normalization", normalization, _NORMALISATIONS)
    dtype, layers = options["dtype"], []
    for i, seed in enumerate(layer_seeds(options["seed"], count)):
        alternate = ("left-to-right", "right-to-left")[i % 2]
        layers.append(
            bijector(
                event_shape=size,
                context_shape=options["context_shape"],
                hidden_units=options["hidden_units"],
                activation=options["activation"],
                input_order=order if order == "random" else alternate,
                dtype=dtype,
                compute_dtype=options["compute_dtype"],
                seed=seed,
            )
        )
        if normalization is not None:
            layers.append(_NORMALISATIONS[normalization](event_shape=size, dtype=dtype))
    return assemble(
        layers,
        event_shape=size,
        standardize=options["standardize"],
        base=options["base"],
        dtype=dtype,
        name=name,
    )
