"""Flows of maps of features, for finding defects: FastFlow and CFLOW."""

import math

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import (
    ActNorm,
    Blockwise,
    Chain,
    Coupling,
    Given,
    InvertibleConv1x1,
    Permutation,
)
from tfp_flows.bijectors.partition import coupling_mask, partition_of
from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import layer_seeds, standard_normal
from tfp_flows.networks import ConvNetwork
from tfp_flows.numerics import INPUT_BOUND
from tfp_flows.transformers import Affine

# The soft clamp of both papers' code, of FrEIA.
_MAX_LOG_SCALE = 2.0
# Wavelengths of the positions grow to this many places times 2 pi.
_LONGEST = 10_000.0
_MIXINGS = ("random", "linear")


def fastflow(
    *,
    event_shape,
    num_layers: int = 8,
    hidden_ratio: float = 1.0,
    kernel_sizes=(3, 1),
    mixing: str = "linear",
    activation="relu",
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """FastFlow: ActNorm, channel mixing and couplings of channels, over maps of features.

    The density of a map is told place by place by `Flow.log_prob_map`, or `feature_maps` where
    there are several scales. The features are those of a network that is trained already, each
    place's vector normalised (`tfp_flows.anomaly`).

    Source: Yu et al. 2021, arXiv:2111.07677, sections 3.2 and 3.3.

    Args:
        event_shape: ``(height, width, channels)``, or several of them, one for each scale: a flow
            for each, trained together. An event is then one vector, of all maps in order.
        num_layers: Steps of the flow of each scale.
        hidden_ratio: Channels between the two convolutions of a network, as a multiple of those
            that it sees.
        kernel_sizes: Sizes of the convolutions of a step, in turn; odd.
        mixing: How channels are mixed before a coupling: ``"linear"``, by learned 1x1
            convolutions, or ``"random"``, by permutations.
        activation: Activation of each network.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights and of how channels are mixed.

    Returns:
        A flow over ``[..., height, width, channels]``, or over ``[..., size]`` of several scales.

    Raises:
        ValueError: If an argument is out of range.
    """
    networks = {"activation": activation, "compute_dtype": compute_dtype}
    kernels = shapes.as_shape(kernel_sizes, "kernel_sizes")

    def scale(shape, seed):
        seeds = layer_seeds(seed, shapes.positive(num_layers, "num_layers"))
        return Chain(_steps(shape, seeds, hidden_ratio, kernels, mixing, None, dtype, networks))

    return _assembled(event_shape, scale, base, dtype, seed, "fastflow", free=True)


def cflow(
    *,
    event_shape,
    num_layers: int = 8,
    hidden_ratio: float = 2.0,
    position_size: int = 128,
    mixing: str = "linear",
    activation="relu",
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """CFLOW: one flow for the vectors of all places of a map of features, given where each is.

    Source: Gudovskiy et al. 2021, arXiv:2107.12571, section 4; the positions are sines and cosines
    of the row and the column.

    Args:
        event_shape: As in `fastflow`, of known height and width.
        num_layers: As in `fastflow`.
        hidden_ratio: As in `fastflow`.
        position_size: Numbers that tell a place, divisible by 4.
        mixing: As in `fastflow`.
        activation: As in `fastflow`.
        base: As in `fastflow`.
        dtype: As in `fastflow`.
        compute_dtype: As in `fastflow`.
        seed: As in `fastflow`.

    Returns:
        A flow as from `fastflow`.

    Raises:
        ValueError: If an argument is out of range.
    """
    networks = {"activation": activation, "compute_dtype": compute_dtype}
    size = shapes.positive(position_size, "position_size")
    if size % 4:
        raise ValueError(f"position_size must be divisible by 4, got {position_size!r}.")

    def scale(shape, seed):
        positions = positions_2d(*shape[:2], size)
        seeds = layer_seeds(seed, shapes.positive(num_layers, "num_layers"))
        steps = _steps(shape, seeds, hidden_ratio, (1,), mixing, positions.shape, dtype, networks)
        return Given(Chain(steps), positions)

    return _assembled(event_shape, scale, base, dtype, seed, "cflow", free=False)


def feature_maps(flow: Flow, value) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """How unlikely each place is, for each scale of a `fastflow` or `cflow`.

    Args:
        flow: The flow.
        value: ``[n, *event_shape]``.

    Returns:
        For each scale two maps ``[n, height, width]``: minus the log-density by place, in nats,
        which over all places and scales sums to minus `Flow.log_prob`, and the mean over channels
        of the squared latents, 1 on average where the flow is right.
    """
    parts = [flow.bijector], [value]
    if isinstance(flow.bijector, Blockwise):
        parts = flow.bijector.bijectors, flow.bijector.parts(value)
    maps = []
    for bijector, part in zip(*parts, strict=True):
        z, shares = bijector.inverse_and_log_det_map(part)
        squares = tf.square(z)
        entries = -(squares + math.log(2 * math.pi)) / 2
        nats = -(tf.reduce_sum(entries, axis=-1) + shares)
        maps.append((nats, tf.reduce_mean(squares, axis=-1)))
    return maps


def positions_2d(height: int, width: int, size: int) -> np.ndarray:
    """Sines and cosines of column and row, ``[height, width, size]``.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5, half of the channels for each axis.
    """
    rates = _LONGEST ** (-np.arange(size // 4) / (size // 4))
    rows, columns = np.mgrid[:height, :width]
    angles = [axis[..., None] * rates for axis in (columns, rows)]
    waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.concatenate(waves, axis=-1)


def _steps(shape, seeds, hidden_ratio, kernels, mixing, context_shape, dtype, networks):
    if mixing not in _MIXINGS:
        raise unknown_name("mixing", mixing, _MIXINGS)
    if not hidden_ratio > 0:
        raise ValueError(f"hidden_ratio must be positive, got {hidden_ratio!r}.")
    steps = []
    partition = partition_of(coupling_mask("channel", shape), shape)
    kept, changed = partition.kept_shape[-1], partition.changed_shape[-1]
    transformer = Affine(max_log_scale=_MAX_LOG_SCALE)
    for i, one in enumerate(seeds):
        network = ConvNetwork(
            input_size=kept,
            output_size=changed * transformer.num_parameters,
            hidden_units=(max(1, round(hidden_ratio * kept)),),
            kernel_size=kernels[i % len(kernels)],
            context_shape=context_shape,
            input_bound=INPUT_BOUND,
            dtype=dtype,
            seed=one,
            **networks,
        )
        steps += [
            ActNorm(event_shape=shape, per_channel=True, dtype=dtype),
            _mixed(mixing, shape, one, dtype),
            Coupling(
                event_shape=shape,
                mask="channel",
                conditioner=network,
                transformer=transformer,
                context_shape=context_shape,
                dtype=dtype,
            ),
        ]
    return steps


def _mixed(mixing, shape, seed, dtype):
    if mixing == "linear":
        return InvertibleConv1x1(event_shape=shape, seed=seed, dtype=dtype)
    return Permutation(event_shape=shape, permutation="random", seed=seed, dtype=dtype)


def _assembled(event_shape, scale, base, dtype, seed, name, free):
    several = _several(event_shape)
    events = [
        shapes.as_shape(one, "event_shape", free=free)
        for one in (event_shape if several else [event_shape])
    ]
    for one in events:
        if len(one) != 3:
            raise ValueError(
                f"{name} models maps [height, width, channels], one or several, got event_shape "
                f"{event_shape!r}."
            )
    members = [
        scale(one, own) for one, own in zip(events, layer_seeds(seed, len(events)), strict=True)
    ]
    bijector = Blockwise(members) if several else members[0]
    base = standard_normal(bijector.latent_shape, dtype) if base is None else base
    return Flow(base, bijector, name=name)


def _several(event_shape) -> bool:
    return not isinstance(event_shape, int) and all(
        isinstance(one, list | tuple) for one in event_shape
    )
