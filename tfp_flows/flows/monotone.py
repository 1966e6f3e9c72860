"""Flows of monotone transformers without a closed inverse: neural, polynomial, Gaussianisation."""

import tensorflow as tf

from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.structure import flow_of
from tfp_flows.transformers import (
    Bernstein,
    DeepSigmoidal,
    DenseSigmoidal,
    Gaussianization,
    SumOfSquares,
)


def naf(
    *,
    event_shape,
    context_shape=None,
    kind: str = "deep",
    num_units: int = 16,
    depth: int = 2,
    mode: str = "autoregressive",
    num_layers: int = 3,
    hidden_units=(64, 64),
    activation="relu",
    mixing: str = "flip",
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Neural autoregressive flow: any monotone map of each coordinate; fast density.

    Samples need a search for each coordinate.

    Source: Huang et al. 2018, arXiv:1804.00779.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        kind: ``"deep"`` (DSF) or ``"dense"`` (DDSF) sigmoidal networks.
        num_units: Units of each layer of the monotone networks.
        depth: Layers of the monotone networks.
        mode: ``"coupling"`` or ``"autoregressive"``.
        num_layers: Number of layers.
        hidden_units: Hidden layers of each network.
        activation: Activation of each network.
        mixing: ``"flip"``, ``"random"``, ``"linear"`` or ``"orthogonal"``, as in `nsf`.
        normalization: ``"batch"`` or ``"act"`` for a normalisation after each layer, or None.
        standardize: Whether a standardiser, adapted before training, faces the data.
        standardize_context: Whether the context is standardised likewise, if there is one.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights and permutations.

    Returns:
        A flow over ``[..., D]``.

    Raises:
        ValueError: If an argument is out of range.
    """
    kinds = {"deep": DeepSigmoidal, "dense": DenseSigmoidal}
    if kind not in kinds:
        raise unknown_name("kind", kind, kinds)
    return flow_of(
        kinds[kind](num_units=num_units, num_layers=depth),
        name="naf",
        event_shape=event_shape,
        context_shape=context_shape,
        mode=mode,
        num_layers=num_layers,
        hidden_units=hidden_units,
        activation=activation,
        mixing=mixing,
        normalization=normalization,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        compute_dtype=compute_dtype,
        seed=seed,
    )


def sos(
    *,
    event_shape,
    context_shape=None,
    num_polynomials: int = 3,
    degree: int = 4,
    bound: float = 5.0,
    mode: str = "autoregressive",
    num_layers: int = 3,
    hidden_units=(64, 64),
    activation="relu",
    mixing: str = "flip",
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Sum-of-squares polynomial flow: smooth polynomial densities; fast density.

    Samples need a search for each coordinate.

    Source: Jaini et al. 2019, arXiv:1905.02325.

    Arguments, results and errors as in `naf`, but instead of its networks ``num_polynomials``, the
    squares of each transformer, ``degree`` of what is squared, and ``bound``, where polynomials
    end and tangents begin.
    """
    return flow_of(
        SumOfSquares(num_polynomials=num_polynomials, degree=degree, bound=bound),
        name="sos",
        event_shape=event_shape,
        context_shape=context_shape,
        mode=mode,
        num_layers=num_layers,
        hidden_units=hidden_units,
        activation=activation,
        mixing=mixing,
        normalization=normalization,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        compute_dtype=compute_dtype,
        seed=seed,
    )


def bernstein(
    *,
    event_shape,
    context_shape=None,
    degree: int = 16,
    bound: float = 5.0,
    mode: str = "autoregressive",
    num_layers: int = 3,
    hidden_units=(64, 64),
    activation="relu",
    mixing: str = "flip",
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Bernstein polynomial flow: smooth and robust; fast density.

    Samples need a search for each coordinate.

    Source: Ramasinghe et al. 2022, arXiv:2102.03509.

    Arguments, results and errors as in `naf`, but instead of its networks the ``degree`` of each
    polynomial and ``bound``, where it ends and tangents begin.
    """
    return flow_of(
        Bernstein(degree=degree, bound=bound),
        name="bernstein",
        event_shape=event_shape,
        context_shape=context_shape,
        mode=mode,
        num_layers=num_layers,
        hidden_units=hidden_units,
        activation=activation,
        mixing=mixing,
        normalization=normalization,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        compute_dtype=compute_dtype,
        seed=seed,
    )


def gaussianization(
    *,
    event_shape,
    context_shape=None,
    num_components: int = 8,
    bound: float = 10.0,
    mode: str = "autoregressive",
    num_layers: int = 3,
    hidden_units=(64, 64),
    activation="relu",
    mixing: str = "flip",
    normalization: str | None = None,
    standardize: bool = True,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Gaussianisation flow: mixtures made normal, coordinate by coordinate; fast density.

    Samples need a search for each coordinate.

    Source: Meng et al. 2020, arXiv:2003.01941.

    Here a network predicts the mixtures of each coordinate from those before it. The layers of
    the paper, mixtures of their own for each coordinate between rotations, come nearest with
    ``mode="coupling", mixing="orthogonal"``.

    Arguments, results and errors as in `naf`, but instead of its networks ``num_components`` of
    each mixture and ``bound``, which holds their means and where tangents begin.
    """
    return flow_of(
        Gaussianization(num_components=num_components, bound=bound),
        name="gaussianization",
        event_shape=event_shape,
        context_shape=context_shape,
        mode=mode,
        num_layers=num_layers,
        hidden_units=hidden_units,
        activation=activation,
        mixing=mixing,
        normalization=normalization,
        standardize=standardize,
        standardize_context=standardize_context,
        base=base,
        dtype=dtype,
        compute_dtype=compute_dtype,
        seed=seed,
    )
