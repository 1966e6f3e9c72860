"""WaveGlow: recordings of any length given their mel spectrogram."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import (
    ActNorm,
    Bijector,
    Chain,
    Coupling,
    InvertibleConv1x1,
    MultiScale,
    Squeeze,
)
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.recipes import context_standardized, layer_seeds, standard_normal
from tfp_flows.flows.recording_parts import (
    INITIAL,
    MAX_LOG_SCALE,
    chosen_of,
    dequantized,
    recording_shape,
)
from tfp_flows.networks import MelUpsampling, WaveNet
from tfp_flows.numerics import INPUT_BOUND
from tfp_flows.transformers import Affine

_PRESETS = {
    "small": {
        "squeeze": 32,
        "depth": 8,
        "hidden_units": (64,) * 4,
        "separable": True,
        "condition_units": (96,),
        "condition_channels": 2,
        "initial": "subbands",
    },
    "paper": {
        "squeeze": 8,
        "depth": 12,
        "hidden_units": (256,) * 8,
        "separable": False,
        "condition_units": (),
        "condition_channels": 80,
        "initial": "rotation",
    },
}


def waveglow(
    *,
    event_shape=(None, 1),
    context_shape=(None, 80),
    hop: int = 256,
    preset: str = "small",
    squeeze: int | None = None,
    depth: int | None = None,
    hidden_units=None,
    separable: bool | None = None,
    kernel_size: int = 3,
    condition_units=None,
    condition_channels: int | None = None,
    initial: str | None = None,
    early_every: int = 4,
    early_size: int = 2,
    bins: int | None = 2**16,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    seed: int | None = None,
) -> Flow:
    """WaveGlow: recordings of any length given their mel spectrogram; both directions in one pass.

    Blocks of ``squeeze`` samples become the channels of one place, and ``depth`` steps follow: an
    invertible map of the channels and an affine coupling by a `WaveNet` that sees all places and
    the spectrogram. Channels leave early. Unlike in the paper, the scales of couplings and 1x1 maps
    are bounded, and channels are normalised once (`ActNorm`).

    The preset ``small`` is for a CPU, after SqueezeWave: fewer places, fewer and narrower layers,
    each of separable convolutions, and a spectrogram that is brought to the rate of the places by
    few channels. Its first 1x1 map starts as the cosine transform of a block, the others as
    reversals, so that training begins with subbands whose levels the spectrogram nearly tells.

    Source: Prenger et al. 2018, arXiv:1811.00002, section 2; SqueezeWave, Zhai et al. 2020,
    arXiv:2001.05685, section 3.

    Args:
        event_shape: ``(None, 1)``, samples in [-1, 1) of any length that ``squeeze`` and ``hop``
            divide, or a fixed length.
        context_shape: Shape of the spectrogram, ``(None, bands)``, or of fixed length ``length /
            hop``; None for none.
        hop: Samples of a frame of the spectrogram.
        preset: ``"small"`` or ``"paper"``, from which the following are taken where None.
        squeeze: Samples of a place; it divides ``hop``.
        depth: Number of steps.
        hidden_units: Channels of the layers of each WaveNet, equal numbers, one for each layer.
        separable: Whether its convolutions are separable.
        kernel_size: Size of its convolutions, odd.
        condition_units: Channels of convolutions of the frames before they are brought to the rate
            of the samples.
        condition_channels: Channels a sample that they are brought to.
        initial: What the 1x1 maps start as, ``"subbands"`` or ``"rotation"``.
        early_every: Steps after which channels leave.
        early_size: How many.
        bins: Number of values of a sample, evenly spaced over [-1, 1), which are dequantised by
            uniform noise; None for samples that are real numbers.
        standardize_context: Whether the spectrogram is standardised, by band.
        base: Base distribution over latents ``[length / squeeze, squeeze]``; standard normal by
            default.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights and rotations.

    Returns:
        A flow over ``[..., length, 1]``. Its density is over [-1, 1), in nats.

    Raises:
        ValueError: If an argument is out of range, the squeeze does not divide the hop, or too many
            channels leave.
    """
    given = {
        "squeeze": squeeze,
        "depth": depth,
        "hidden_units": hidden_units,
        "separable": separable,
        "condition_units": condition_units,
        "condition_channels": condition_channels,
        "initial": initial,
    }
    chosen = chosen_of(_PRESETS, preset, given)
    shape = recording_shape(event_shape, "waveglow")
    squeeze, depth = (shapes.positive(chosen[name], name) for name in ("squeeze", "depth"))
    if shapes.positive(hop, "hop") % squeeze:
        raise ValueError(f"squeeze must divide the hop, got {squeeze!r} and {hop!r}.")
    seeds = iter(layer_seeds(seed, 2 * depth + 1))
    embedding = raw = context = None
    if context_shape is not None:
        raw = shapes.as_shape(context_shape, "context_shape", free=True)
        if len(raw) != 2 or (raw[0] is None) != (shape[0] is None):
            raise ValueError(
                "A context of waveglow is a spectrogram [length / hop, bands], free in length if "
                f"the recordings are, got {raw} for recordings {shape}."
            )
        channels = shapes.positive(chosen["condition_channels"], "condition_channels")
        context = (shape[0], channels)
        embedding = MelUpsampling(
            bands=raw[-1],
            hop=hop,
            channels=channels,
            hidden_units=chosen["condition_units"],
            dtype=dtype,
            seed=next(seeds),
        )
    squeezed = Squeeze(event_shape=shape, factor=squeeze, context_shape=context, dtype=dtype)
    levels = _levels(squeezed, chosen, depth, early_every, early_size, kernel_size, seeds, dtype)
    bijector = Chain([*dequantized(shape, bins, dtype), MultiScale(levels, leaving=early_size)])
    base = standard_normal(bijector.latent_shape, dtype) if base is None else base
    return Flow(
        base,
        bijector,
        embedding=embedding,
        context_shape=raw,
        standardize_context=context_standardized(standardize_context, bijector),
        name="waveglow",
    )


def _levels(squeezed, chosen, depth, early_every, early_size, kernel_size, seeds, dtype):
    hidden = shapes.as_shape(chosen["hidden_units"], "hidden_units")
    if len(set(hidden)) != 1:
        raise ValueError(
            "hidden_units of waveglow are equal numbers of channels, one for each layer of a "
            f"WaveNet, got {chosen['hidden_units']!r}."
        )
    early_every = shapes.positive(early_every, "early_every")
    here, context = squeezed.latent_shape, squeezed.latent_context_shape
    network = {
        "channels": hidden[0],
        "num_layers": len(hidden),
        "kernel_size": kernel_size,
        "separable": chosen["separable"],
        "input_bound": INPUT_BOUND,
        "context_shape": context,
        "dtype": dtype,
    }
    first, others = INITIAL[chosen["initial"]]

    def mixing(initial):
        options = {"max_log_scale": MAX_LOG_SCALE, "seed": next(seeds), "dtype": dtype}
        return InvertibleConv1x1(event_shape=here, initial=initial, **options)

    normalised = ActNorm(event_shape=here, per_channel=True, dtype=dtype)
    levels: list[Bijector] = []
    members = [squeezed, mixing(first), normalised]
    for number in range(depth):
        if number:
            if number % early_every == 0:
                levels.append(Chain(members))
                if here[1] - early_size < 2:
                    raise ValueError(
                        f"After {number} steps {early_size} of {here[1]} channels leave, and two "
                        "or more must stay; use a larger squeeze, or fewer steps."
                    )
                here, members = (here[0], here[1] - early_size), []
            members.append(mixing(others))
        kept = here[1] - here[1] // 2
        conditioner = WaveNet(
            input_size=kept, output_size=2 * (here[1] - kept), seed=next(seeds), **network
        )
        members.append(
            Coupling(
                event_shape=here,
                mask="channel",
                conditioner=conditioner,
                transformer=Affine(max_log_scale=MAX_LOG_SCALE),
                context_shape=context,
                dtype=dtype,
            )
        )
    return [*levels, Chain(members)]
