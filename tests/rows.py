"""The test table: a name, a constructor, and what is special about it.

Adding a bijector or a flow adds a row here; every check of `test_table.py` then runs over it.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

import tfp_flows as tff
from tfp_flows.shapes import filled
from tfp_flows.testing.subject import LINE, Subject, randomise

tfb = tfp.bijectors
B, F, T = tff.bijectors, tff.flows, tff.transformers

DIMS = 3
IMAGE = (4, 4, 2)
CONTEXT = 2


@dataclasses.dataclass(frozen=True)
class Row:
    """One bijector.

    Args:
        build: Maps a dtype to a new bijector over vectors of 3, or small images.
        slack: Factor on the tolerances, for maps that amplify rounding.
        untrained: Whether there is nothing to train.
        rigid: Whether it keeps volumes.
        sequential: Directions that evaluate the conditioner once a dimension.
        iterated: Directions that evaluate it until nothing moves.
        solved: The error of a differential equation's solution, which evaluates the network as
            often as it needs; None for all others.
        swept: Directions that take the conditioner apart and never evaluate it whole.
        fixed: For events of free length: maps a dtype and a length to the same bijector of events
            of that length.
        spread: How far weights are moved from their initial values.
        costly: Whether an evaluation costs so much that the quick profile has fewer.
    """

    build: Callable
    slack: float = 1.0
    untrained: bool = False
    rigid: bool = False
    sequential: tuple[str, ...] = ()
    iterated: tuple[str, ...] = ()
    solved: float | None = None
    swept: tuple[str, ...] = ()
    fixed: Callable | None = None
    spread: float = 0.4
    costly: bool = False


_ANY = Subject(build=None, tolerance=0.0)


def points(shape, dtype, seed=1, event_shape=(DIMS,)):
    """Normal numbers ``[*shape, 3]``, or of another shape of events."""
    size = (*shape, *event_shape)
    return tf.constant(np.random.default_rng(seed).normal(size=size), dtype)


def latents(bijector, shape):
    """Normal numbers ``[*shape, *latent_shape]``, free lengths filled."""
    return _ANY.latents(bijector, shape)


def contexts(shape, dtype, seed=2):
    """Normal numbers ``[*shape, 2]``."""
    return points(shape, dtype, seed, (CONTEXT,))


def context_of(bijector, shape):
    """A context for a bijector, or None if it takes none."""
    return _ANY.contexts(bijector, shape)


def _adapted(bijector):
    data = np.random.default_rng(3).normal(size=(50, *filled(bijector.event_shape, _ANY.length)))
    scale, shift = (np.resize(v, data.shape[-1]) for v in ([1.0, 3.0, 0.2], [0.0, 5.0, -1.0]))
    bijector.adapt(data * scale + shift)
    return bijector


def _keras_network(dtype, library=None):
    library = library or tf.keras
    return library.Sequential(
        [
            library.Input([1], dtype=dtype.name),
            library.layers.Dense(8, activation="tanh", dtype=dtype.name),
            library.layers.Dense(4, dtype=dtype.name),
        ]
    )


def _coupling_on(library):
    return lambda dtype: B.Coupling(
        event_shape=DIMS, dtype=dtype, conditioner=_keras_network(dtype, library)
    )


def _keras_network_of_two(dtype):
    """A functional model of input and context that returns shift and log-scale apart."""
    layers = tf.keras.layers
    x = tf.keras.Input([1], dtype=dtype.name)
    context = tf.keras.Input([CONTEXT], dtype=dtype.name)
    hidden = layers.Concatenate(dtype=dtype.name)([x, context])
    hidden = layers.Dense(8, activation="tanh", dtype=dtype.name)(hidden)
    outputs = [layers.Dense(2, dtype=dtype.name)(hidden) for _ in range(2)]
    return tf.keras.Model([x, context], outputs)


def _tfp_network(dtype):
    return tfb.AutoregressiveNetwork(
        2, event_shape=[DIMS], hidden_units=[8, 8], activation="tanh", dtype=dtype.name
    )


def _residual_maf(dtype):
    network = tff.networks.AutoregressiveNetwork(
        2,
        event_shape=DIMS,
        hidden_units=[8] * 5,
        activation="silu",
        residual=True,
        dtype=dtype.name,
    )
    return B.MaskedAutoregressive(event_shape=DIMS, dtype=dtype, network=network)


def _simple(cls, **options):
    return lambda dtype: cls(event_shape=DIMS, dtype=dtype, **options)


def _image(cls, **options):
    return lambda dtype: cls(event_shape=IMAGE, dtype=dtype, **options)


def _keras_image_network(dtype, library=None):
    layers = (library or tf.keras).layers
    return (library or tf.keras).Sequential(
        [
            (library or tf.keras).Input([4, 4, 1], dtype=dtype.name),
            layers.Conv2D(6, 3, padding="same", activation="tanh", dtype=dtype.name),
            layers.Conv2D(2, 3, padding="same", dtype=dtype.name),
        ]
    )


def _half_size(dtype):
    network = tff.networks.ResidualConvNetwork(
        input_size=2,
        output_size=4,
        hidden_units=[6],
        input_bound=3.0,
        downscale=2,
        dtype=dtype,
        seed=1,
    )
    return B.Coupling(event_shape=IMAGE, conditioner=network, dtype=dtype)


def _blockwise(dtype):
    """An image, and a vector that takes a context."""
    network = tff.networks.ConvNetwork(
        input_size=1, output_size=2, hidden_units=[4], kernel_size=3, dtype=dtype, seed=1
    )
    image = B.Coupling(event_shape=(2, 2, 2), mask="channel", conditioner=network, dtype=dtype)
    vector = B.Coupling(event_shape=DIMS, dtype=dtype, **_context, **_small)
    return B.Blockwise([image, vector])


def _multiscale(dtype):
    """Two levels, the first with a learned prior of what leaves."""
    first = B.Squeeze(event_shape=IMAGE, dtype=dtype)
    inner = first.latent_shape
    options = {"dtype": dtype, **_channels}
    split = B.Coupling(event_shape=inner, mask="channel", **_context, **options)
    second = B.Squeeze(event_shape=(2, 2, 4), dtype=dtype)
    last = B.InvertibleConv1x1(event_shape=second.latent_shape, dtype=dtype, seed=5)
    levels = [
        B.Chain([B.Coupling(event_shape=IMAGE, **options), first, split]),
        B.Chain([second, last]),
    ]
    return B.MultiScale(levels)


def _map_levels(dtype):
    """Two levels of images with a context map, squeezed by the one and pooled by the other."""
    context = (*IMAGE[:2], 3)
    first = B.Squeeze(event_shape=IMAGE, context_shape=context, dtype=dtype)
    inner, squeezed = first.latent_shape, first.latent_context_shape
    options = {"dtype": dtype, **_channels}
    split = B.Coupling(event_shape=inner, mask="channel", context_shape=squeezed, **options)
    second = B.Squeeze(
        event_shape=(2, 2, 6), context_shape=squeezed, pool_context=True, dtype=dtype
    )
    last = B.Coupling(
        event_shape=second.latent_shape,
        mask="~channel",
        context_shape=second.latent_context_shape,
        **options,
    )
    before = B.Coupling(event_shape=IMAGE, context_shape=context, **options)
    levels = [B.Chain([before, first, split]), B.Chain([second, last])]
    return B.MultiScale(levels, leaving=2)


def _sequence(dtype, length=None):
    """What is of sequences, with a context map, in two levels."""
    context, inner = (length, 3), None if length is None else length // 2
    squeeze = B.Squeeze(event_shape=(length, 2), context_shape=context, dtype=dtype)
    latent, squeezed = squeeze.latent_shape, squeeze.latent_context_shape
    options = {"dtype": dtype, **_channels}
    first = [
        B.Coupling(event_shape=(length, 2), context_shape=context, **options),
        squeeze,
        _adapted(B.ActNorm(event_shape=latent, per_channel=True, dtype=dtype)),
        B.InvertibleConv1x1(event_shape=latent, dtype=dtype, seed=5),
        B.Permutation(event_shape=latent, dtype=dtype),
        B.Scale(event_shape=latent, per_channel=True, dtype=dtype),
    ]
    second = B.Coupling(event_shape=(inner, 3), mask="~channel", context_shape=squeezed, **options)
    return B.MultiScale([B.Chain(first), second], leaving=1)


def _waveglow_step(dtype, length=None):
    """A step of WaveGlow, behind its squeeze, with a context map."""
    squeeze = B.Squeeze(event_shape=(length, 2), context_shape=(length, 3), dtype=dtype)
    event, context = squeeze.latent_shape, squeeze.latent_context_shape
    network = tff.networks.WaveNet(
        input_size=2,
        output_size=4,
        channels=4,
        num_layers=2,
        separable=True,
        context_shape=context,
        dtype=dtype,
        **_seeded,
    )
    mixing = B.InvertibleConv1x1(
        event_shape=event, initial="cosines", max_log_scale=2.0, dtype=dtype
    )
    coupling = B.Coupling(
        event_shape=event, conditioner=network, context_shape=context, dtype=dtype
    )
    return B.Chain([squeeze, mixing, coupling])


def _blow_step(dtype, length=None):
    """A step of Blow, with a vector as context: who speaks."""
    event = {"event_shape": (length, 4), "dtype": dtype}
    network = tff.networks.HyperConvNetwork(
        input_size=2, output_size=4, context_size=3, hidden_units=[5], dtype=dtype, **_seeded
    )
    mixing = B.InvertibleConv1x1(initial="rotation", max_log_scale=2.0, **event, **_seeded)
    injector = B.AffineInjector(context_shape=3, hidden_units=(), **event, **_seeded)
    coupling = B.Coupling(conditioner=network, context_shape=3, **event)
    return B.Chain([mixing, injector, coupling])


def _pointwise(dtype, length=None):
    """An image of free height and width, each place by itself, with a vector as context."""
    event = (length, length, 3)
    coupling = B.Coupling(
        event_shape=event,
        mask="channel",
        context_shape=CONTEXT,
        conditioner=tff.networks.MLP(
            input_size=2, context_size=CONTEXT, output_size=2, dtype=dtype, **_small
        ),
        dtype=dtype,
    )
    return B.Chain([B.Logit(event_shape=event, dtype=dtype), coupling])


def _chain(dtype):
    return B.Chain(
        [
            _adapted(B.ActNorm(event_shape=DIMS, dtype=dtype)),
            B.MaskedAutoregressive(
                event_shape=DIMS, context_shape=CONTEXT, hidden_units=[8], dtype=dtype, seed=1
            ),
            tfb.Shift(tf.constant([0.5, -1.0, 2.0], dtype)),
            B.Permutation(event_shape=DIMS, permutation="random", seed=3, dtype=dtype),
            tfb.SinhArcsinh(skewness=tf.constant(0.3, dtype), tailweight=tf.constant(0.8, dtype)),
            B.Coupling(
                event_shape=DIMS, context_shape=CONTEXT, hidden_units=[8], dtype=dtype, seed=2
            ),
        ]
    )


_seeded = {"seed": 1}
_small = {"hidden_units": [8, 8], **_seeded}
_context = {"context_shape": CONTEXT}
_channels = {"hidden_units": [6], **_seeded}


def _tolerances(dtype):
    tolerance = 1e-5 if dtype == tf.float32 else 1e-8
    return {"rtol": tolerance, "atol": tolerance}


def _monotone(transformer, costly=False):
    return Row(_simple(B.Coupling, transformer=transformer, **_small), slack=10, costly=costly)


BIJECTORS = {
    "power_tails": Row(_simple(B.PowerTails, knee=0.5), untrained=True),
    "softsign": Row(_simple(B.SoftsignBimodal, sharpness=[0.5, 1.0, 2.0])),
    "planar": Row(_simple(B.Planar, **_seeded), slack=3),
    "planar_context": Row(_simple(B.Planar, **_context, **_seeded), slack=3),
    "radial": Row(_simple(B.Radial, **_seeded)),
    "radial_context": Row(_simple(B.Radial, **_context, **_seeded)),
    "coupling_additive": Row(_simple(B.Coupling, transformer=T.Additive(), **_small), rigid=True),
    "coupling_affine": Row(_simple(B.Coupling, mask="alternating", **_small)),
    "coupling_other_half": Row(_simple(B.Coupling, mask="~half", **_small)),
    "coupling_mask": Row(_simple(B.Coupling, mask=[False, True, False], **_small)),
    "coupling_context": Row(_simple(B.Coupling, **_context, **_small)),
    # Either Keras serves under either.
    "coupling_keras3": Row(_coupling_on(keras)),
    "coupling_tf_keras": Row(_coupling_on(tf_keras)),
    "coupling_keras_context": Row(
        lambda dtype: B.Coupling(
            event_shape=DIMS,
            context_shape=CONTEXT,
            dtype=dtype,
            conditioner=_keras_network_of_two(dtype),
        )
    ),
    "scale": Row(_simple(B.Scale)),
    "actnorm": Row(lambda dtype: _adapted(B.ActNorm(event_shape=DIMS, dtype=dtype))),
    "standardize": Row(
        lambda dtype: _adapted(B.Standardize(event_shape=DIMS, dtype=dtype)), untrained=True
    ),
    "robust": Row(
        lambda dtype: _adapted(B.RobustStandardize(event_shape=DIMS, dtype=dtype)), untrained=True
    ),
    "minmax": Row(lambda dtype: _adapted(B.MinMax(event_shape=DIMS, dtype=dtype)), untrained=True),
    "batchnorm": Row(lambda dtype: _adapted(B.BatchNorm(event_shape=DIMS, dtype=dtype))),
    "reverse": Row(_simple(B.Permutation), untrained=True),
    # Without a seed, so that only what is saved repeats it; and one that is not its own inverse.
    "permutation": Row(_simple(B.Permutation, permutation="random"), untrained=True),
    "permutation_cycle": Row(_simple(B.Permutation, permutation=[1, 2, 0]), untrained=True),
    "linear": Row(_simple(B.InvertibleLinear, **_seeded), slack=3),
    "affine": Row(
        _simple(
            B.TriangularAffine, shift=[1.0, -2.0, 0.5], scale=[[2, 0, 0], [1, 0.5, 0], [-1, 1, 3]]
        ),
        slack=3,
    ),
    "affine_diagonal": Row(
        _simple(B.TriangularAffine, scale=[2, 0.5, 1], learned="diagonal"), slack=3
    ),
    "linear_identity": Row(_simple(B.InvertibleLinear, initial="identity"), slack=3),
    "maf": Row(_simple(B.MaskedAutoregressive, **_small), swept=("forward",), slack=10),
    "maf_context": Row(
        _simple(B.MaskedAutoregressive, **_context, **_small), swept=("forward",), slack=10
    ),
    "maf_additive": Row(
        _simple(B.MaskedAutoregressive, transformer=T.Additive(), input_order="random", **_small),
        rigid=True,
        swept=("forward",),
        slack=10,
    ),
    "maf_residual": Row(_residual_maf, swept=("forward",), slack=10),
    "maf_tfp_network": Row(
        lambda dtype: B.MaskedAutoregressive(
            event_shape=DIMS, dtype=dtype, network=_tfp_network(dtype)
        ),
        sequential=("forward",),
        slack=10,
    ),
    "maf_jacobi": Row(
        lambda dtype: B.MaskedAutoregressive(
            event_shape=DIMS, dtype=dtype, network=_tfp_network(dtype), solver="jacobi"
        ),
        iterated=("forward",),
        slack=10,
    ),
    "iaf": Row(
        _simple(B.InverseAutoregressive, input_order="right-to-left", **_small),
        swept=("inverse",),
        slack=10,
    ),
    "iaf_context": Row(
        _simple(B.InverseAutoregressive, **_context, **_small),
        swept=("inverse",),
        slack=10,
    ),
    "householder": Row(_simple(B.Householder, **_seeded), slack=3, rigid=True),
    "householder_context": Row(
        _simple(B.Householder, num_reflections=2, **_context, **_seeded), slack=3, rigid=True
    ),
    "sylvester": Row(_simple(B.Sylvester, **_seeded), slack=3),
    "sylvester_context": Row(_simple(B.Sylvester, num_units=2, **_context, **_seeded), slack=3),
    "block_neural": Row(
        _simple(B.BlockNeuralAutoregressive, hidden_units=[4, 4], **_seeded), slack=10, costly=True
    ),
    "block_neural_context": Row(
        _simple(B.BlockNeuralAutoregressive, hidden_units=[4], **_context, **_seeded), slack=10
    ),
    "residual": Row(_simple(B.Residual, hidden_units=[8], **_seeded), slack=10),
    "residual_context": Row(_simple(B.Residual, hidden_units=[8], **_context, **_seeded), slack=10),
    "coupling_circular": Row(
        _simple(
            B.Coupling, transformer=T.RationalQuadraticSpline(num_bins=4, circular=True), **_small
        ),
        slack=3,
    ),
    "continuous": Row(
        lambda dtype: B.ContinuousFlow(
            event_shape=DIMS,
            dtype=dtype,
            **_tolerances(dtype),
            **_small,
        ),
        solved=1e-3,
        costly=True,
    ),
    "continuous_fixed": Row(
        _simple(B.ContinuousFlow, solver="rk4", num_steps=6, **_context, **_small),
        solved=1e-3,
        costly=True,
    ),
    "coupling_spline": Row(
        _simple(B.Coupling, transformer=T.RationalQuadraticSpline(num_bins=4), **_small), slack=3
    ),
    "coupling_inverted": Row(
        _simple(
            B.Coupling,
            transformer=T.Inverted(T.RationalQuadraticSpline(num_bins=3, bound=2.0)),
            **_context,
            **_small,
        ),
        slack=3,
    ),
    "maf_spline": Row(
        _simple(
            B.MaskedAutoregressive, transformer=T.RationalQuadraticSpline(num_bins=4), **_small
        ),
        swept=("forward",),
        slack=10,
    ),
    "maf_deep_sigmoidal": Row(
        _simple(B.MaskedAutoregressive, transformer=T.DeepSigmoidal(num_units=4), **_small),
        swept=("forward",),
        slack=10,
        costly=True,
    ),
    "coupling_deep_sigmoidal": _monotone(T.DeepSigmoidal(num_units=4)),
    "coupling_dense_sigmoidal": _monotone(T.DenseSigmoidal(num_units=3), costly=True),
    "coupling_sum_of_squares": _monotone(T.SumOfSquares(degree=2)),
    "coupling_bernstein": _monotone(T.Bernstein(degree=6)),
    "coupling_gaussianization": _monotone(T.Gaussianization(num_components=3), costly=True),
    "chain": Row(_chain, swept=("forward",), slack=10),
    "invert": Row(
        lambda dtype: B.Invert(_simple(B.MaskedAutoregressive, **_context, **_small)(dtype)),
        swept=("inverse",),
        slack=10,
    ),
    "squeeze": Row(_image(B.Squeeze), untrained=True),
    "checkerboard": Row(_image(B.Coupling, **_channels), spread=0.15),
    "checkerboard_half": Row(_half_size, spread=0.15),
    "checkerboard_context": Row(
        _image(B.Coupling, mask="~checkerboard", **_context, **_channels), slack=3, spread=0.15
    ),
    "channel": Row(_image(B.Coupling, mask="channel", **_channels), spread=0.15),
    "channel_keras": Row(
        lambda dtype: B.Coupling(
            event_shape=IMAGE,
            mask="~channel",
            dtype=dtype,
            conditioner=_keras_image_network(dtype),
        ),
        spread=0.15,
    ),
    "pixel_mask": Row(
        _image(B.Coupling, mask=np.random.default_rng(6).random(IMAGE) < 0.5, **_channels),
        spread=0.15,
    ),
    "conv1x1": Row(_image(B.InvertibleConv1x1, **_seeded), slack=3),
    "scale_channel": Row(_image(B.Scale, per_channel=True)),
    "actnorm_channel": Row(
        lambda dtype: _adapted(B.ActNorm(event_shape=IMAGE, per_channel=True, dtype=dtype))
    ),
    "batchnorm_channel": Row(
        lambda dtype: _adapted(B.BatchNorm(event_shape=IMAGE, per_channel=True, dtype=dtype))
    ),
    "blockwise": Row(_blockwise, slack=3, spread=0.15),
    "logit": Row(_image(B.Logit), untrained=True, slack=10),
    "multiscale": Row(_multiscale, slack=3, spread=0.1, costly=True),
    "checkerboard_map_context": Row(
        _image(B.Coupling, context_shape=(*IMAGE[:2], 3), **_channels), slack=3, spread=0.15
    ),
    "injector_map_context": Row(
        _image(B.AffineInjector, context_shape=(*IMAGE[:2], 3), **_channels), spread=0.15
    ),
    "injector_vector_context": Row(_image(B.AffineInjector, **_context, **_channels), spread=0.15),
    "injector_conditioner": Row(
        lambda dtype: B.AffineInjector(
            event_shape=IMAGE,
            context_shape=(*IMAGE[:2], 3),
            conditioner=tff.networks.MLP(input_size=3, output_size=4, dtype=dtype, **_small),
            dtype=dtype,
        ),
    ),
    "multiscale_map_context": Row(_map_levels, slack=3, spread=0.1, costly=True),
    "sequence_map_context": Row(_sequence, slack=3, spread=0.15, fixed=_sequence),
    "waveglow_step": Row(_waveglow_step, slack=3, spread=0.15, fixed=_waveglow_step),
    "blow_step": Row(_blow_step, slack=3, spread=0.15, fixed=_blow_step),
    "pointwise_free": Row(_pointwise, slack=10, spread=0.3, fixed=_pointwise),
    "given": Row(
        lambda dtype: B.Given(
            _simple(B.Coupling, **_context, **_small)(dtype), np.array([0.3, -0.7])
        )
    ),
}

# The others hold no part of any Keras; two stand for them.
OF_KERAS = {
    *(name for name in BIJECTORS if "keras" in name),
    *("maf_tfp_network", "maf_jacobi", "maf", "coupling_affine", "realnvp"),
}

# Their data do not fill the line.
NARROW = {"softsign", "logit", "pointwise_free"}
OF_TFP = {"maf_tfp_network", "maf_jacobi"}

FLOWS = {
    "softsign_bimodal": {},
    "planar": {"num_layers": 4},
    "radial": {"num_layers": 4},
    "nice": {"hidden_units": [8, 8]},
    "realnvp": {"hidden_units": [8, 8], "num_layers": 4},
    "realnvp_mixed": {"hidden_units": [8], "num_layers": 3, "mixing": "linear"},
    "realnvp_normalised": {
        "hidden_units": [8],
        "num_layers": 3,
        "mixing": "random",
        "normalization": "act",
    },
    "maf": {"hidden_units": [8, 8], "num_layers": 3},
    "maf_normalised": {
        "hidden_units": [8],
        "num_layers": 2,
        "input_order": "random",
        "normalization": "batch",
    },
    "iaf": {"hidden_units": [8, 8], "num_layers": 3},
    "sylvester": {"num_layers": 2},
    "ffjord": {"hidden_units": [8]},
    "nsf": {"hidden_units": [8], "num_layers": 2, "num_bins": 4},
    "nsf_mixed": {
        "mode": "autoregressive",
        "hidden_units": [8] * 3,
        "num_layers": 2,
        "num_bins": 4,
        "residual": True,
        "mixing": "linear",
    },
    "residual": {"num_layers": 2, "hidden_units": [8]},
    "bnaf": {"hidden_units": [4]},
    "naf": {"hidden_units": [8], "num_layers": 2, "num_units": 4},
    "naf_mixed": {
        "kind": "dense",
        "hidden_units": [8],
        "num_layers": 2,
        "num_units": 3,
        "mixing": "random",
    },
    "sos": {"hidden_units": [8], "num_layers": 2},
    "bernstein": {"hidden_units": [8], "num_layers": 2, "degree": 8},
    "gaussianization": {"hidden_units": [8], "num_layers": 2, "num_components": 4},
    "gaussianization_mixed": {
        "mode": "coupling",
        "hidden_units": [8],
        "num_layers": 2,
        "num_components": 4,
        "mixing": "orthogonal",
    },
}


def flow(name, dtype=tf.float32, event_shape=DIMS, seed=4, **options):
    """A new flow of the table, its weights randomised and its data-dependent parts adapted."""
    recipe = F.get(name.removesuffix("_mixed").removesuffix("_normalised"))
    takes_seed = {} if name == "softsign_bimodal" else {"seed": seed}
    tight = _tolerances(dtype) if name == "ffjord" else {}
    options = {**FLOWS[name], **tight, **takes_seed, **options}
    result = randomise(recipe(event_shape=event_shape, dtype=dtype, **options), scale=0.25)
    size = int(np.prod(result.event_shape))
    batch = np.random.default_rng(5).normal(size=(100, size)) * 0.6 + 0.2
    context = None if result.context_shape is None else np.ones((100, *result.context_shape))
    result.adapt(batch, context)
    return result


def subject(name, dtype=tf.float32):
    """A row as the checks of `tfp_flows.testing` take it."""
    row = BIJECTORS[name]
    base = 2e-5 if dtype == tf.float32 else 1e-12
    loose = row.solved or 1e-5
    # TFP's network computes its activations in float32, whatever its dtype.
    options = {"gradient_step": 1e-3} if name in OF_TFP else {}
    return Subject(
        build=lambda: row.build(dtype),
        tolerance=row.solved or base * row.slack,
        gradient_tolerance=1e-2 if name in OF_TFP else loose,
        spread=row.spread,
        data_domain=None if name in NARROW else LINE,
        **options,
    )
