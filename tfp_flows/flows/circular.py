"""Flows of angles."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bases import UniformTorus
from tfp_flows.bijectors import Bijector, Chain, Coupling, MaskedAutoregressive, MinMax
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import context_standardized, layer_seeds, vector_event
from tfp_flows.networks import CircularMLP
from tfp_flows.transformers import RationalQuadraticSpline


def circular_nsf(
    *,
    event_shape,
    context_shape=None,
    num_layers: int = 6,
    num_bins: int = 8,
    hidden_units=(64, 64),
    activation="relu",
    standardize: bool = False,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Neural spline flow of angles: densities on a circle or a torus, without a seam.

    Couplings of circular splines, whose networks see cosines and sines. Any number of angles will
    do; a single one gets one spline a layer, whose parameters depend on the context alone.

    Source: Rezende et al. 2020, arXiv:2002.02428; Durkan et al. 2019, arXiv:1906.04032.

    Args:
        event_shape: Number of angles, in radians.
        context_shape: Size of the context.
        num_layers: Number of layers.
        num_bins: Bins of each spline.
        hidden_units: Hidden layers of each network.
        activation: Activation of each network.
        standardize: Whether data that are no angles are brought into the circle: the range of
            each coordinate, which `adapt` measures, becomes the middle 80 percent of it. The
            density integrates to 1 over one circle, and repeats beyond it.
        standardize_context: Whether the context is standardised likewise, if there is one.
        base: Base distribution of angles, of period 2 pi; uniform on the torus by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights.

    Returns:
        A flow over ``[..., D]``, whose samples lie in ``[-pi, pi)`` and whose density has that
        period, without ``standardize``.

    Raises:
        ValueError: If an argument is out of range.
    """
    size = vector_event(event_shape, "circular_nsf")
    layers: list[Bijector] = []
    if standardize:
        scale = tf.constant(1 / math.pi, dtype)
        layers += [MinMax(event_shape=size, dtype=dtype), tfp.bijectors.Scale(scale)]
    networks = {"hidden_units": hidden_units, "compute_dtype": compute_dtype}
    networks |= {"activation": activation, "dtype": dtype}
    contexts = 0 if context_shape is None else math.prod(shapes.as_shape(context_shape, "context"))
    spline = RationalQuadraticSpline(num_bins=num_bins, circular=True)
    options = {
        "event_shape": size,
        "context_shape": context_shape,
        "transformer": spline,
        "dtype": dtype,
    }
    for i, one in enumerate(layer_seeds(seed, shapes.positive(num_layers, "num_layers"))):
        if size == 1:
            layers.append(MaskedAutoregressive(seed=one, **networks | options))
            continue
        mask = [(i + j) % 2 == 0 for j in range(size)]
        network = CircularMLP(
            input_size=sum(mask),
            output_size=(size - sum(mask)) * spline.num_parameters,
            context_size=contexts,
            seed=one,
            **networks,
        )
        layers.append(Coupling(mask=mask, conditioner=network, **options))
    if base is None:
        base = UniformTorus(event_shape=size, dtype=dtype)
    else:
        _check_period(base)
    chain = Chain(layers)
    of_context = context_standardized(standardize_context, chain)
    return Flow(base, chain, standardize_context=of_context, name="circular_nsf")


def _check_period(base):
    angles = base.sample(16, seed=(0, 1))
    here, around = base.log_prob(angles), base.log_prob(angles + 2 * math.pi)
    # A density of one turn only is none of its period either, but right where latents lie.
    differ = tf.math.is_finite(around) & (tf.abs(here - around) > 1e-2)
    if tf.reduce_any(differ) or tf.reduce_any(tf.abs(angles) > math.pi + 1e-3):
        raise ValueError(
            f"circular_nsf has angles as latents, and {base.name} is no density of angles in "
            "[-pi, pi); leave base out, or take one such as a von Mises distribution."
        )
