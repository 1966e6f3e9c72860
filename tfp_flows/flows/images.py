"""Multi-scale flows of images: RealNVP and Glow."""

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import (
    ActNorm,
    AffineInjector,
    Chain,
    InvertibleConv1x1,
    Squeeze,
)
from tfp_flows.errors import unknown_name
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.image_parts import (
    affine,
    assembled,
    image_context,
    image_coupling,
    image_event,
)
from tfp_flows.flows.recipes import layer_seeds, normalisation
from tfp_flows.transformers import Additive


def realnvp_image(
    *,
    event_shape,
    context_shape=None,
    pool_context: bool = False,
    num_levels: int = 3,
    num_couplings: int = 3,
    hidden_units=(32, 32),
    activation="relu",
    half_size: bool = True,
    normalization: str | None = "act",
    bins: int | None = 256,
    alpha: float | None = 0.05,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Multi-scale RealNVP: couplings by checkerboards and channels; both directions cost one pass.

    Each level but the last has checkerboard couplings, a squeeze and channel couplings, after
    which half of the channels leave; the last has one more checkerboard coupling and no squeeze.

    Source: Dinh et al. 2017, arXiv:1605.08803, section 3.6. The paper's sizes for 32 x 32 images
    are ``num_levels=2, hidden_units=(64,) * 8, half_size=False, normalization="batch"``, and for
    64 x 64 images ``num_levels=5, hidden_units=(32,) * 4`` with the same.

    Args:
        event_shape: ``(height, width, channels)``; height and width divisible by 2 for each level
            but the last.
        context_shape: Shape of the context: a vector, a one-hot class for instance; a map of the
            places of the image, ``(height, width, channels)``, which follows the levels; or a dict
            of such shapes by name, which are joined (`JoinedContext`).
        pool_context: Whether a context map is averaged from level to level, and keeps its channels;
            it is squeezed like the image otherwise.
        num_levels: Number of levels.
        num_couplings: Couplings of one kind of mask in a level.
        hidden_units: Channels of the residual blocks of each conditioner, one for each block.
        activation: Activation of each conditioner.
        half_size: Whether the conditioners of checkerboards work at half of height and width with
            four times the channels, for a quarter of the cost; False as in the paper. Where
            height or width is odd, they work at full size.
        normalization: ``"batch"`` or ``"act"`` for a normalisation after each coupling, or None.
        bins: Number of integers of a pixel, which uniform noise makes real; None for data that
            are real already.
        alpha: How far from 0 and 1 the logit of the pixels keeps; None for no logit, where pixels
            of ``bins`` integers are centred instead, to [-0.5, 0.5).
        standardize_context: Whether the context is standardised, as `adapt` has found it.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights.

    Returns:
        A flow over ``[..., height, width, channels]``; latents are vectors.

    Raises:
        ValueError: If an argument is out of range, or there are too many levels for the image.
    """
    shape = image_event(event_shape, shapes.positive(num_levels, "num_levels"), num_levels - 1)
    shapes.positive(num_couplings, "num_couplings")
    seeds = iter(layer_seeds(seed, num_levels * (2 * num_couplings + 1)))
    networks = {
        "hidden_units": hidden_units,
        "activation": activation,
        "dtype": dtype,
        "compute_dtype": compute_dtype,
    }

    def couplings(shape, mask, count, context):
        members = []
        for i in range(count):
            own = mask if i % 2 == 0 else f"~{mask}"
            halves = half_size and mask == "checkerboard" and not (shape[0] % 2 or shape[1] % 2)
            network = networks | {"downscale": 2 if halves else 1, "seed": next(seeds)}
            members.append(image_coupling(shape, own, network, affine(), context))
            members.extend(normalisation(normalization, shape, dtype))
        return members

    levels, here, context = [], shape, image_context(context_shape, shape)
    for _ in range(num_levels - 1):
        squeeze = Squeeze(
            event_shape=here, context_shape=context, pool_context=pool_context, dtype=dtype
        )
        inner, context_inward = squeeze.latent_shape, squeeze.latent_context_shape
        levels.append(
            Chain(
                [
                    *couplings(here, "checkerboard", num_couplings, context),
                    squeeze,
                    *couplings(inner, "channel", num_couplings, context_inward),
                ]
            )
        )
        here, context = (*inner[:2], inner[2] - inner[2] // 2), context_inward
    levels.append(Chain(couplings(here, "checkerboard", num_couplings + 1, context)))
    return assembled(
        shape, levels, bins, alpha, context_shape, standardize_context, base, dtype, "realnvp_image"
    )


def glow(
    *,
    event_shape,
    context_shape=None,
    pool_context: bool = False,
    num_levels: int = 3,
    depth: int = 8,
    hidden_units=(64,),
    activation="relu",
    transformer: str = "affine",
    learn_prior: bool = True,
    injectors: bool = False,
    bins: int | None = 256,
    alpha: float | None = None,
    standardize_context: bool = True,
    base=None,
    dtype=tf.float32,
    compute_dtype=None,
    seed: int | None = None,
) -> Flow:
    """Glow: ActNorm, invertible 1x1 convolution and channel coupling, at several scales.

    The networks of the couplings are the paper's, a 1x1 convolution between two of 3x3, except
    that the one between is a residual block.

    Source: Kingma and Dhariwal 2018, arXiv:1807.03039. The paper's sizes for 32 x 32 images are
    ``num_levels=3, depth=32, hidden_units=(512,)``.

    Args:
        event_shape: ``(height, width, channels)``; height and width divisible by 2 for each
            level.
        context_shape: Shape of the context: a vector, a one-hot class for instance; a map of the
            places of the image, ``(height, width, channels)``, which follows the levels; or a dict
            of such shapes by name, which are joined (`JoinedContext`).
        pool_context: Whether a context map is averaged from level to level, and keeps its channels;
            it is squeezed like the image otherwise.
        num_levels: Number of levels, K in the paper's pictures.
        depth: Steps of a level.
        hidden_units: Channels of the residual blocks of each network, one for each block.
        activation: Activation of each network.
        transformer: ``"affine"`` or ``"additive"`` couplings.
        learn_prior: Whether what leaves at a split is normal given what goes on, with mean and
            scale of a network, and the last latent normal with learned mean and scale; standard
            normal otherwise.
        injectors: Whether the context also scales and shifts the image itself, and all channels at
            the beginning of each level (`AffineInjector`).
        bins: As in `realnvp_image`.
        alpha: As in `realnvp_image`.
        standardize_context: Whether the context is standardised, as `adapt` has found it.
        base: Base distribution; the standard normal by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: ``bfloat16`` or ``float16`` for mixed-precision networks.
        seed: Seed of the initial weights and rotations.

    Returns:
        A flow over ``[..., height, width, channels]``; latents are vectors.

    Raises:
        ValueError: If an argument is out of range, or there are too many levels for the image.
    """
    shape = image_event(event_shape, shapes.positive(num_levels, "num_levels"), num_levels)
    kinds = {"affine": affine, "additive": Additive}
    if transformer not in kinds:
        raise unknown_name("transformer", transformer, kinds)
    seeds = iter(layer_seeds(seed, num_levels * (2 * shapes.positive(depth, "depth") + 1)))
    networks = {
        "hidden_units": hidden_units,
        "block_kernel_sizes": (1,),
        "activation": activation,
        "dtype": dtype,
        "compute_dtype": compute_dtype,
    }

    def coupling(shape, transformer):
        network = networks | {"seed": next(seeds)}
        return image_coupling(shape, "channel", network, transformer, context)

    levels, here, context = [], shape, image_context(context_shape, shape)
    if injectors and context is None:
        raise ValueError("injectors need a context, got context_shape None.")
    # Seeds of their own: a flow without them starts as it did before there were any.
    injecting = iter(layer_seeds(None if seed is None else seed + 1, num_levels + 1))

    def injected(shape, downscale=1):
        network = {k: value for k, value in networks.items() if k != "block_kernel_sizes"}
        network |= {"context_shape": context, "seed": next(injecting), "downscale": downscale}
        return [AffineInjector(event_shape=shape, **network)] if injectors else []

    for number in range(num_levels):
        first = [] if number else injected(here, downscale=2)
        squeeze = Squeeze(
            event_shape=here, context_shape=context, pool_context=pool_context, dtype=dtype
        )
        inner, context = squeeze.latent_shape, squeeze.latent_context_shape
        members = [*first, squeeze, *injected(inner)]
        for _ in range(depth):
            members += [
                ActNorm(event_shape=inner, per_channel=True, dtype=dtype),
                InvertibleConv1x1(event_shape=inner, seed=next(seeds), dtype=dtype),
                coupling(inner, kinds[transformer]()),
            ]
        if learn_prior and number + 1 < num_levels:
            members.append(coupling(inner, affine()))
        elif learn_prior:
            members.append(ActNorm(event_shape=inner, dtype=dtype))
        levels.append(Chain(members))
        here = (*inner[:2], inner[2] - inner[2] // 2)
    return assembled(
        shape, levels, bins, alpha, context_shape, standardize_context, base, dtype, "glow"
    )
