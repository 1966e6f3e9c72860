"""Blow: raw recordings given who speaks; to the latent as one, back as another."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import (
    ActNorm,
    AffineInjector,
    Bijector,
    Chain,
    Coupling,
    InvertibleConv1x1,
    Squeeze,
)
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import layer_seeds, standard_normal
from tfp_flows.flows.recording_parts import (
    INITIAL,
    MAX_LOG_SCALE,
    chosen_of,
    dequantized,
    recording_shape,
)
from tfp_flows.networks import MLP, HyperConvNetwork
from tfp_flows.numerics import INPUT_BOUND
from tfp_flows.transformers import Affine

_PRESETS = {
    "small": {
        "squeeze": 32,
        "num_blocks": 2,
        "depth": 6,
        "hidden_units": (256, 256),
        "initial": "subbands",
    },
    "paper": {
        "squeeze": 2,
        "num_blocks": 8,
        "depth": 12,
        "hidden_units": (512, 512),
        "initial": "rotation",
    },
}


def blow(
    *,
    event_shape=(None, 1),
    context_shape,
    preset: str = "small",
    squeeze: int | None = None,
    num_blocks: int | None = None,
    depth: int | None = None,
    hidden_units=None,
    initial: str | None = None,
    kernel_size: int = 3,
    embedding_size: int = 128,
    bins: int | None = 2**16,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """Blow: raw recordings of any length given who speaks, which turns one voice into another.

    Samples become channels (squeeze), and steps follow: an invertible map of the channels, a scale
    and shift of each by the speaker, and an affine coupling by a `HyperConvNetwork`, the kernels of
    whose first layer the speaker gives. No channel leaves on the way, so that all of them pass all
    steps (single-scale). What is common to all speakers stays in the latent, which another one may
    speak: `tfp_flows.audio.convert`. Unlike in the paper, scales are bounded, channels are
    normalised once, and speakers scale and shift them.

    The preset ``small`` is for a CPU: blocks of 32 and of 64 samples. The first 1x1 map starts as
    the cosine transform of a block, so that speakers scale subbands.

    Source: Blow, Serrà et al. 2019, arXiv:1906.00794.

    Args:
        event_shape: ``(None, 1)``, samples in [-1, 1) of any length that the squeezes together
            divide, or a fixed length.
        context_shape: Number of speakers; a context is 1 for who speaks, and zeros.
        preset: ``"small"`` or ``"paper"``, from which the following are taken where None.
        squeeze: Samples of a place in the first block; each block behind it has half the places of
            the one before.
        num_blocks: Number of blocks.
        depth: Steps of a block.
        hidden_units: Channels of the hidden layers of each network.
        initial: What the 1x1 maps start as, ``"subbands"`` (the first a cosine transform, the
            others reversals) or ``"rotation"``.
        kernel_size: Size of the convolutions, odd.
        embedding_size: Numbers that stand for a speaker, learned.
        bins: Number of values of a sample, evenly spaced over [-1, 1), which are dequantised by
            uniform noise; None for samples that are real numbers.
        base: Base distribution over latents, standard normal by default.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights and rotations.

    Returns:
        A flow over ``[..., length, 1]``. Its density is over [-1, 1), in nats.

    Raises:
        ValueError: If an argument is out of range.
    """
    given = {
        "squeeze": squeeze,
        "num_blocks": num_blocks,
        "depth": depth,
        "hidden_units": hidden_units,
        "initial": initial,
    }
    chosen = chosen_of(_PRESETS, preset, given)
    shape = recording_shape(event_shape, "blow")
    speakers = shapes.as_shape(context_shape, "context_shape", free=True)
    if len(speakers) != 1:
        raise ValueError(
            f"A context of blow is one number for each speaker, got context_shape {speakers}."
        )
    blocks, depth = (shapes.positive(chosen[name], name) for name in ("num_blocks", "depth"))
    embedding_size = shapes.positive(embedding_size, "embedding_size")
    *seeds, own = layer_seeds(seed, blocks * depth + 1)
    seeds, here = iter(seeds), shape
    members: list[Bijector] = []
    for number in range(blocks):
        squeezed = Squeeze(
            event_shape=here,
            factor=2 if number else chosen["squeeze"],
            context_shape=embedding_size,
            dtype=dtype,
        )
        here = squeezed.latent_shape
        members.append(squeezed)
        for _ in range(depth):
            first = len(members) == 1
            which = INITIAL[chosen["initial"]][0 if first else 1]
            members += _step(
                here,
                which,
                chosen["hidden_units"],
                kernel_size,
                embedding_size,
                normalised=first,
                seed=next(seeds),
                dtype=dtype,
            )
    bijector = Chain([*dequantized(shape, bins, dtype), *members])
    return Flow(
        standard_normal(bijector.latent_shape, dtype) if base is None else base,
        bijector,
        embedding=MLP(
            input_size=speakers[0],
            output_size=embedding_size,
            hidden_units=(),
            output_scale=1.0,
            dtype=dtype,
            seed=own,
        ),
        context_shape=speakers,
        name="blow",
    )


def _step(
    here, initial, hidden_units, kernel_size, context_size, *, normalised, seed, dtype
) -> list[Bijector]:
    """A map of the channels, their scales and shifts by the speaker, a coupling."""
    seeds = iter(layer_seeds(seed, 3))
    common = {"event_shape": here, "dtype": dtype}
    kept = here[1] - here[1] // 2
    network = HyperConvNetwork(
        input_size=kept,
        output_size=2 * (here[1] - kept),
        context_size=context_size,
        hidden_units=hidden_units,
        kernel_size=kernel_size,
        input_bound=INPUT_BOUND,
        dtype=dtype,
        seed=next(seeds),
    )
    return [
        InvertibleConv1x1(initial=initial, max_log_scale=MAX_LOG_SCALE, seed=next(seeds), **common),
        *([ActNorm(per_channel=True, **common)] if normalised else []),
        AffineInjector(context_shape=context_size, hidden_units=(), seed=next(seeds), **common),
        Coupling(
            mask="channel",
            conditioner=network,
            transformer=Affine(max_log_scale=MAX_LOG_SCALE),
            context_shape=context_size,
            **common,
        ),
    ]
