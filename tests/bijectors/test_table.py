"""Checks that run over every row of the test table."""

import json
import math

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from rows import BIJECTORS, DIMS, FLOWS

from tfp_flows import serialization
from tfp_flows.bijectors import block_neural
from tfp_flows.interop import ContextNetwork, Network
from tfp_flows.networks import LipschitzMLP

tfd, tfb = tfp.distributions, tfp.bijectors


def _named(table):
    """Names of rows; those that hold networks of a Keras run again under the other one."""
    return [
        pytest.param(name, marks=pytest.mark.keras) if name in rows.OF_KERAS else name
        for name in table
    ]


DTYPES = [tf.float32, tf.float64]
SHAPES = [(), (4,), (2, 3)]
bijector_rows = pytest.mark.parametrize("name", _named(BIJECTORS))
flow_rows = pytest.mark.parametrize("name", _named(FLOWS))
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


def build(name, dtype=tf.float32, seed=0):
    row = BIJECTORS[name]
    return rows.randomise(row.build(dtype), seed, row.spread)


def tolerance(name, dtype):
    base = 2e-5 if dtype == tf.float32 else 1e-12
    bound = BIJECTORS[name].solved or base * BIJECTORS[name].slack
    return {"rtol": bound, "atol": bound}


def data_points(bijector, shape, dtype):
    """Points in the range of the bijector."""
    context = rows.context_of(bijector, shape, dtype)
    return bijector.forward_and_log_det(rows.latents(bijector, shape, dtype), context)[0]


@bijector_rows
@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=["event", "batch", "batches"])
def test_round_trips(name, dtype, shape):
    bijector = build(name, dtype)
    context = rows.context_of(bijector, shape, dtype)
    x = rows.latents(bijector, shape, dtype)
    y, forward = bijector.forward_and_log_det(x, context)
    back, inverse = bijector.inverse_and_log_det(y, context)
    assert x.shape.is_compatible_with((*shape, *bijector.latent_shape))
    assert y.shape.is_compatible_with((*shape, *bijector.event_shape))
    assert forward.shape == inverse.shape == shape
    assert y.dtype == forward.dtype == dtype
    np.testing.assert_allclose(back, x, **tolerance(name, dtype))
    np.testing.assert_allclose(inverse, -forward, **tolerance(name, dtype))
    kwargs = {} if context is None else {"context": context}
    np.testing.assert_allclose(bijector.forward_value(x, **kwargs), y, **tolerance(name, dtype))
    np.testing.assert_allclose(bijector.inverse_value(y, **kwargs), x, **tolerance(name, dtype))
    again, _ = bijector.forward_and_log_det(back, context)
    np.testing.assert_allclose(again, y, **tolerance(name, dtype))


def autodiff_log_det(function, x):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
    jacobian = tape.batch_jacobian(y, x, experimental_use_pfor=False).numpy()
    size = math.prod(x.shape[1:])
    return np.linalg.slogdet(jacobian.reshape(-1, size, size).astype(np.float64))[1]


@bijector_rows
@dtypes
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_log_det_is_that_of_the_jacobian(name, dtype, direction):
    bijector = build(name, dtype)
    shape = (4,)
    context = rows.context_of(bijector, shape, dtype)
    value = rows.latents(bijector, shape, dtype)
    if direction == "inverse":
        value = data_points(bijector, shape, dtype)
    method = getattr(bijector, f"{direction}_and_log_det")
    expected = autodiff_log_det(lambda v: method(v, context)[0], value)
    bound = tolerance(name, dtype)
    np.testing.assert_allclose(method(value, context)[1], expected, **bound)
    # A check at the identity would prove nothing.
    row = BIJECTORS[name]
    assert row.untrained or row.rigid or np.abs(expected).max() > 0.01


@bijector_rows
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_eager_graph_and_xla_agree(name, direction):
    bijector = build(name)
    shape = (4,)
    context = rows.context_of(bijector, shape, tf.float32)
    value = rows.latents(bijector, shape, tf.float32)
    if direction == "inverse":
        value = data_points(bijector, shape, tf.float32)
    method = getattr(bijector, f"{direction}_and_log_det")
    eager = method(value, context)

    def compute(value):
        with tf.GradientTape() as tape:
            tape.watch(value)
            result, log_det = method(value, context)
            total = tf.reduce_sum(tf.sin(result)) + tf.reduce_sum(log_det)
        return result, log_det, tape.gradient(total, value)

    plain = tf.function(compute)(value)
    compiled = tf.function(compute, jit_compile=True)(value)
    for a, b in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)
    for a, b in zip(eager, plain, strict=False):
        np.testing.assert_allclose(a, b, **tolerance(name, tf.float32))


@bijector_rows
@pytest.mark.parametrize("known", [True, False], ids=["batch", "all"])
def test_unknown_sizes(name, known):
    bijector = build(name)
    arguments = [rows.latents(bijector, (4,), tf.float32)]
    if bijector.context_shape is not None:
        arguments.append(rows.context_of(bijector, (4,), tf.float32))
    shapes = [
        argument.shape[1:] if known else [None] * (argument.shape.rank - 1)
        for argument in arguments
    ]
    specs = [tf.TensorSpec([None, *shape]) for shape in shapes]
    compute = tf.function(bijector.forward_and_log_det, input_signature=specs)
    expected = bijector.forward_and_log_det(*arguments)
    for value, reference in zip(compute(*arguments), expected, strict=True):
        np.testing.assert_allclose(value, reference, **tolerance(name, tf.float32))
    with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)):
        compute(tf.concat([arguments[0]] * 2, axis=-1), *arguments[1:])


@bijector_rows
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_every_variable_is_seen_and_has_a_gradient(name, direction):
    bijector = BIJECTORS[name].build(tf.float32)
    variables = bijector.trainable_variables
    assert bool(variables) != BIJECTORS[name].untrained
    rows.randomise(bijector)
    assert [id(v) for v in bijector.trainable_variables] == [id(v) for v in variables]
    context = rows.context_of(bijector, (16,), tf.float32)
    value = rows.latents(bijector, (16,), tf.float32)
    if direction == "inverse":
        value = data_points(bijector, (16,), tf.float32)
    with tf.GradientTape() as tape:
        result, log_det = getattr(bijector, f"{direction}_and_log_det")(value, context)
        total = tf.reduce_sum(tf.sin(result)) + tf.reduce_sum(log_det)
    for variable, gradient in zip(variables, tape.gradient(total, variables), strict=True):
        assert gradient is not None, variable.name
        assert np.isfinite(gradient).all(), variable.name
        assert np.abs(gradient).max() > 0, variable.name


@bijector_rows
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_gradients_are_those_of_finite_differences(name, direction):
    bijector = build(name, tf.float64)
    context = rows.context_of(bijector, (3,), tf.float64)
    value = rows.latents(bijector, (3,), tf.float64)
    if direction == "inverse":
        value = data_points(bijector, (3,), tf.float64)
    inputs = [tf.Variable(part) for part in (value, context) if part is not None]
    variables = [*inputs, *bijector.trainable_variables]

    def loss():
        result, log_det = getattr(bijector, f"{direction}_and_log_det")(*map(tf.identity, inputs))
        # Small, so that what should be relative to a gradient is seen not to be.
        return 1e-4 * (tf.reduce_sum(tf.sin(result)) + tf.reduce_sum(tf.sin(log_det)))

    with tf.GradientTape() as tape:
        total = loss()
    gradients = tape.gradient(total, variables, unconnected_gradients="zero")
    generator = np.random.default_rng(3)
    ways = [
        tf.cast(generator.normal(size=v.shape), v.dtype)
        if v.constraint is None
        # Masks of TFP's networks: what they forbid is not moved.
        else v.constraint(tf.cast(generator.normal(size=v.shape), v.dtype))
        for v in variables
    ]
    step, loose = 1e-6, BIJECTORS[name].solved or 1e-5
    if isinstance(getattr(bijector, "network", None), tfb.AutoregressiveNetwork):
        # TFP's network computes its activations in float32, whatever its dtype.
        step, loose = 1e-3, 1e-2

    def moved(distance):
        for variable, way in zip(variables, ways, strict=True):
            variable.assign_add(distance * way)
        return float(loss())

    up, down = moved(step), moved(-2 * step)
    expected = sum(float(np.vdot(g, way)) for g, way in zip(gradients, ways, strict=True))
    assert (up - down) / (2 * step) == pytest.approx(expected, rel=loose, abs=1e-4 * loose)


@bijector_rows
def test_same_tensor_after_a_weight_update_gives_fresh_values(name):
    if BIJECTORS[name].untrained:
        return
    bijector = build(name)
    context = rows.context_of(bijector, (4,), tf.float32)
    kwargs = {} if context is None else {"context": context}
    y = data_points(bijector, (4,), tf.float32)
    x = rows.latents(bijector, (4,), tf.float32)
    ranks = len(bijector.latent_shape), len(bijector.event_shape)
    base = rows.normal_base(bijector.latent_shape)
    plain = tfd.TransformedDistribution(base, bijector)

    def everything(x, y):
        return [
            bijector.forward(x, **kwargs),
            bijector.inverse(y, **kwargs),
            bijector.forward_log_det_jacobian(x, event_ndims=ranks[0], **kwargs),
            bijector.inverse_log_det_jacobian(y, event_ndims=ranks[1], **kwargs),
            plain.log_prob(y, bijector_kwargs=kwargs),
        ]

    held = bijector.inverse(y, **kwargs)
    before = everything(x, y)
    rows.randomise(bijector, seed=7, scale=0.1)
    after, fresh = everything(x, y), everything(tf.identity(x), tf.identity(y))
    for new, reference in zip(after, fresh, strict=True):
        np.testing.assert_allclose(new, reference, rtol=1e-6)
    assert not np.allclose(before[0], after[0])
    # The log-det at a tensor that `inverse` returned under the old weights.
    stale = bijector.forward_log_det_jacobian(held, event_ndims=ranks[0], **kwargs)
    expected = bijector.forward_log_det_jacobian(tf.identity(held), event_ndims=ranks[0], **kwargs)
    np.testing.assert_allclose(stale, expected, rtol=1e-6)


@bijector_rows
def test_plain_tfp_containers_agree(name):
    bijector = build(name, tf.float64)
    context = rows.context_of(bijector, (4,), tf.float64)
    kwargs = {} if context is None else {"context": context}
    y = data_points(bijector, (4,), tf.float64)
    base = rows.normal_base(bijector.latent_shape, tf.float64)
    x, log_det = bijector.inverse_and_log_det(y, context)
    expected = base.log_prob(x) + log_det

    def of(member, **options):
        return tfd.TransformedDistribution(base, member).log_prob(y, bijector_kwargs=options)

    bound = tolerance(name, tf.float64)
    np.testing.assert_allclose(of(bijector, **kwargs), expected, **bound)
    zero = tf.zeros(x.shape[1:], tf.float64)
    chain = tfb.Chain([bijector, tfb.Shift(zero)])
    np.testing.assert_allclose(of(chain, **{bijector.name: kwargs}), expected, **bound)
    twice = tfb.Invert(tfb.Invert(bijector))
    np.testing.assert_allclose(of(twice, **kwargs), expected, **bound)
    image = rows.normal_base(bijector.event_shape, tf.float64)
    once = tfd.TransformedDistribution(image, tfb.Invert(bijector))
    z = rows.latents(bijector, (4,), tf.float64)
    value, change = bijector.forward_and_log_det(z, context)
    np.testing.assert_allclose(
        once.log_prob(z, bijector_kwargs=kwargs), image.log_prob(value) + change, **bound
    )


@bijector_rows
def test_the_log_det_by_place_sums_to_the_log_det(name):
    bijector = build(name, tf.float64)
    context = rows.context_of(bijector, (4,), tf.float64)
    y = data_points(bijector, (4,), tf.float64)
    x, log_det = bijector.inverse_and_log_det(y, context)
    again, shares = bijector.inverse_and_log_det_map(y, context)
    assert shares.shape == y.shape[:-1]
    bound = tolerance(name, tf.float64)
    np.testing.assert_allclose(again, x, **bound)
    places = list(range(1, shares.shape.rank))
    np.testing.assert_allclose(tf.reduce_sum(shares, axis=places), log_det, **bound)
    entries = rows.latents(bijector, (4,), tf.float64)
    spread = bijector.spread_entries(entries)
    assert spread.shape == y.shape[:-1]
    sums = [tf.reduce_sum(part, axis=list(range(1, part.shape.rank))) for part in (entries, spread)]
    np.testing.assert_allclose(*sums, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [name for name, row in BIJECTORS.items() if row.fixed])
def test_one_object_of_free_length_is_that_of_each_length(name):
    free, row = build(name, tf.float64), BIJECTORS[name]
    for length in (2, 6):
        fixed = row.fixed(tf.float64, length)
        for variable, source in zip(fixed.variables, free.variables, strict=True):
            variable.assign(source)
        context = rows.context_of(fixed, (2,), tf.float64)
        y, log_det = fixed.forward_and_log_det(rows.latents(fixed, (2,), tf.float64), context)
        x, inverse = free.inverse_and_log_det(y, context)
        back, forward = free.forward_and_log_det(x, context)
        bound = tolerance(name, tf.float64)
        for ours, theirs in zip((back, forward, inverse), (y, log_det, -log_det), strict=True):
            np.testing.assert_allclose(ours, theirs, **bound)
        # Latents of known shape may be flat, in another order.
        flat = [np.sort(np.reshape(v, [2, -1])) for v in (x, fixed.inverse_value(y, context))]
        np.testing.assert_allclose(*flat, **bound)
        expected = autodiff_log_det(lambda v, c=context: free.inverse_and_log_det(v, c)[0], y)
        np.testing.assert_allclose(inverse, expected, **bound)
        shares = free.inverse_and_log_det_map(y, context)[1]
        np.testing.assert_allclose(shares, fixed.inverse_and_log_det_map(y, context)[1], **bound)


def count_calls(module, monkeypatch):
    """Counts the calls of each conditioner below ``module``."""
    counts = {}
    # Of networks that a bijector takes apart, what it computes once for many passes.
    computed = {Network: "__call__", ContextNetwork: "__call__", LipschitzMLP: "weights"}
    computed[block_neural._Layer] = "weights"
    for cls, method in computed.items():
        original = getattr(cls, method)

        def counted(self, *args, _original=original, **kwargs):
            counts[id(self)] = counts.get(id(self), 0) + 1
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(cls, method, counted)
    conditioners = [m for m in module.submodules if isinstance(m, tuple(computed))]
    return counts, conditioners


@bijector_rows
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_conditioner_is_called_once(name, direction, monkeypatch):
    bijector = build(name)
    context = rows.context_of(bijector, (4,), tf.float32)
    value = data_points(bijector, (4,), tf.float32)
    if direction == "forward":
        value = rows.latents(bijector, (4,), tf.float32)
    counts, conditioners = count_calls(bijector, monkeypatch)
    getattr(bijector, f"{direction}_and_log_det")(value, context)
    row = BIJECTORS[name]
    if direction in row.swept:
        # The one that is swept is never evaluated whole; a chain has one more.
        assert len(counts) == len(conditioners) - 1
        assert set(counts.values()) <= {1}
    elif direction in row.iterated:
        # Until nothing moves, and one pass each for the gradients of values and log-slopes.
        assert set(counts.values()) <= set(range(3, DIMS + 3))
    elif row.solved:
        assert min(counts.values()) > 1
    else:
        assert len(counts) == len(conditioners)
        assert set(counts.values()) <= {DIMS if direction in row.sequential else 1}
    if row.solved or "inverse" in row.sequential + row.swept:
        return
    counts.clear()
    base = rows.normal_base(bijector.latent_shape)
    kwargs = {} if context is None else {"context": context}
    y = data_points(bijector, (4,), tf.float32)
    counts.clear()
    tfd.TransformedDistribution(base, bijector).log_prob(y, bijector_kwargs=kwargs)
    assert set(counts.values()) <= {1}
    assert len(counts) == len(conditioners)


@bijector_rows
def test_far_points_stay_finite(name):
    bijector = build(name)
    shapes = {
        "forward": rows.latents(bijector, (), tf.float32).shape,
        "inverse": rows.points((), tf.float32, event_shape=bijector.event_shape).shape,
    }
    size = math.prod(shapes["inverse"])
    mixed = np.resize([1e4, 0.0, -1e4], size)
    far = np.array([np.full(size, value) for value in (0.0, 1e4, -1e4, mixed, 1e-30)], np.float32)
    context = rows.context_of(bijector, (5,), tf.float32)
    for direction in ("forward", "inverse"):
        value = tf.reshape(tf.constant(far), [5, *shapes[direction]])
        with tf.GradientTape() as tape:
            tape.watch(value)
            result, log_det = getattr(bijector, f"{direction}_and_log_det")(value, context)
            total = tf.reduce_sum(log_det)
        gradient = tape.gradient(total, value, unconnected_gradients="zero")
        for tensor in (result, log_det, gradient):
            assert np.isfinite(tensor).all(), direction


@bijector_rows
def test_wrong_arguments_raise(name):
    bijector = build(name)
    x = rows.latents(bijector, (4,), tf.float32)
    context = rows.context_of(bijector, (4,), tf.float32)
    *_, size = bijector.latent_shape
    with pytest.raises(ValueError, match=rf" {size + 1}\), expected \[\.\.\..*, {size}\]"):
        bijector.forward_and_log_det(tf.concat([x, x[..., :1]], axis=-1), context)
    y = data_points(bijector, (4,), tf.float32)
    with pytest.raises(TypeError, match="float64, expected float32"):
        bijector.inverse(tf.cast(y, tf.float64), context=context)
    with pytest.raises(TypeError, match="contxt"):
        bijector.forward(x, contxt=x)
    if context is None:
        with pytest.raises(ValueError, match="without context_shape but got a context"):
            bijector.inverse(y, context=x)
    else:
        with pytest.raises(ValueError, match="needs a context"):
            bijector.forward(x)
        with pytest.raises(ValueError, match="context has shape"):
            bijector.forward(x, context=tf.concat([context, context], axis=-1))
    with pytest.raises(TypeError, match="evnt_shape"):
        type(bijector)(evnt_shape=3)


@bijector_rows
def test_context_broadcasts_against_the_input(name):
    bijector = build(name)
    if bijector.context_shape is None:
        return
    x = rows.latents(bijector, (4,), tf.float32)
    context = rows.context_of(bijector, (3, 1), tf.float32)
    y, log_det = bijector.forward_and_log_det(x, context)
    assert y.shape[:2] == (3, 4)
    assert y.shape[2:].is_compatible_with(bijector.event_shape)
    assert log_det.shape == (3, 4)
    alone, log_det_alone = bijector.forward_and_log_det(x[2], context[1, 0])
    np.testing.assert_allclose(y[1, 2], alone, **tolerance(name, tf.float32))
    np.testing.assert_allclose(log_det[1, 2], log_det_alone, **tolerance(name, tf.float32))
    assert not np.allclose(y[0], y[1])


@bijector_rows
@dtypes
def test_config_round_trip(name, dtype):
    bijector = build(name, dtype)
    written = json.loads(json.dumps(serialization.encode(bijector)))
    rebuilt = serialization.decode(written)
    assert [v.shape for v in rebuilt.variables] == [v.shape for v in bijector.variables]
    for variable, source in zip(rebuilt.variables, bijector.variables, strict=True):
        variable.assign(source)
    context = rows.context_of(bijector, (4,), dtype)
    x = rows.latents(bijector, (4,), dtype)
    for a, b in zip(
        rebuilt.forward_and_log_det(x, context),
        bijector.forward_and_log_det(x, context),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    # What was rebuilt can be written again.
    assert (
        json.loads(json.dumps(serialization.encode(rebuilt)))["config"].keys()
        == written["config"].keys()
    )


@flow_rows
@dtypes
def test_flow_log_prob_is_that_of_the_jacobian(name, dtype):
    flow = rows.flow(name, dtype)
    z = flow.distribution.sample(5, seed=(0, 1))
    x = flow.from_latent(z)
    log_det = -autodiff_log_det(flow.to_latent, x)
    bound = 2e-4 if dtype == tf.float32 else 1e-10
    if name == "ffjord":
        bound = 1e-3
    expected = flow.distribution.log_prob(z) - log_det
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=bound, atol=bound)
    np.testing.assert_allclose(flow.to_latent(x), z, rtol=bound, atol=bound)
    np.testing.assert_allclose(flow.prob(x), np.exp(expected), rtol=10 * bound)
    sample, log_prob = flow.sample_and_log_prob(5, seed=(0, 1))
    np.testing.assert_allclose(sample, x, rtol=bound, atol=bound)
    np.testing.assert_allclose(log_prob, expected, rtol=bound, atol=bound)
    again = flow.sample(5, seed=(0, 1))
    np.testing.assert_array_equal(flow.sample(5, seed=(0, 1)), again)
    np.testing.assert_allclose(again, sample, rtol=bound, atol=bound)


@flow_rows
def test_flow_density_integrates_to_one(name):
    flow = rows.flow(name, event_shape=2)
    samples = flow.sample(20_000, seed=(0, 1)).numpy()
    # Not all of them: some flows have tails so long that no grid resolves both them and the rest.
    low, high = np.quantile(samples, [0.005, 0.995], axis=0)
    low, high = low - 0.4 * np.minimum(high - low, 1), high + 0.4 * np.minimum(high - low, 1)
    if name == "softsign_bimodal":
        low, high = -np.ones(2), np.ones(2)
    inside = np.mean(np.all((samples > low) & (samples < high), axis=1))
    assert inside > 0.97
    cells = 1000
    edges = [np.linspace(a, b, cells + 1) for a, b in zip(low, high, strict=True)]
    centres = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    grid = np.stack(np.meshgrid(*centres), axis=-1).reshape(-1, 2).astype(np.float32)
    log_prob = tf.function(flow.log_prob)
    density = np.exp(np.concatenate([log_prob(part) for part in np.split(grid, 10)]))
    mass = density.sum(dtype=np.float64) * np.prod((high - low) / cells)
    assert mass == pytest.approx(inside, abs=0.01)


@pytest.mark.parametrize("name", [name for name in FLOWS if name != "softsign_bimodal"])
def test_flow_with_context(name):
    flow = rows.flow(name, tf.float64, context_shape=rows.CONTEXT)
    x, context = rows.points((4,), tf.float64), rows.contexts((4,), tf.float64)
    log_prob = flow.log_prob(x, context)
    assert log_prob.shape == (4,)
    for i in range(4):
        alone = flow.log_prob(x[i], context[i])
        np.testing.assert_allclose(log_prob[i], alone, rtol=1e-9)
    assert not np.allclose(flow.log_prob(x, context + 1.0), log_prob)
    assert flow.sample(7, context, seed=(0, 1)).shape == (7, 4, DIMS)
    assert flow.sample((2, 3), context[0], seed=(0, 1)).shape == (2, 3, DIMS)
    given = flow.given(context)
    assert (given.batch_shape, given.event_shape) == ((4,), (DIMS,))
    np.testing.assert_allclose(given.log_prob(x), log_prob, rtol=1e-12)
    np.testing.assert_array_equal(
        given.sample(7, seed=(0, 1)).numpy().shape, flow.sample(7, context, seed=(0, 1)).shape
    )
    samples, own = flow.sample_and_log_prob(7, context, seed=(0, 1))
    np.testing.assert_allclose(flow.log_prob(samples, context), own, rtol=1e-8, atol=1e-8)
    assert flow.log_prob(x[:, tf.newaxis], context).shape == (4, 4)
    with pytest.raises(ValueError, match="needs a context"):
        flow.log_prob(x)
    with pytest.raises(ValueError, match="needs a context"):
        flow.sample(3)


@flow_rows
def test_flow_without_context_refuses_one(name):
    flow = rows.flow(name)
    with pytest.raises(ValueError, match="without context_shape"):
        flow.log_prob(np.zeros((2, DIMS)), context=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="without context_shape"):
        flow.sample(3, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="takes no context"):
        flow.given(np.zeros((2, 2)))
    with pytest.raises(TypeError):
        flow.log_prob(np.zeros((2, DIMS)), bijector_kwargs={"maf": {"context": 1}})


@flow_rows
def test_flow_is_a_distribution_of_tfp(name):
    flow = rows.flow(name)
    assert isinstance(flow, tfd.TransformedDistribution)
    assert (flow.batch_shape, flow.event_shape, flow.dtype) == ((), (DIMS,), tf.float32)
    sample, log_prob = flow.experimental_sample_and_log_prob(4, seed=(0, 1))
    np.testing.assert_allclose(flow.log_prob(sample), log_prob, rtol=2e-3, atol=2e-3)
    # Inside other distributions, and as an argument of a compiled function.
    repeated = tfd.Sample(flow, 2)
    pair = tf.reshape(sample, [2, 2, DIMS])
    expected = tf.reduce_sum(tf.reshape(flow.log_prob(sample), [2, 2]), axis=1)
    np.testing.assert_allclose(repeated.log_prob(pair), expected, rtol=1e-4)
    compiled = tf.function(lambda distribution, value: distribution.log_prob(value))
    np.testing.assert_allclose(compiled(flow, sample), flow.log_prob(sample), rtol=1e-4, atol=1e-4)
    assert len(flow.trainable_variables) == len(flow.bijector.trainable_variables) > 0


@flow_rows
def test_gradient_of_log_prob_at_an_own_sample(name):
    flow = rows.flow(name)
    sample = flow.sample(4, seed=(0, 1))
    with tf.GradientTape() as tape:
        tape.watch(sample)
        log_prob = flow.log_prob(sample)
    gradient = tape.gradient(log_prob, sample)
    assert gradient is not None
    fresh = tf.identity(sample)
    with tf.GradientTape() as tape:
        tape.watch(fresh)
        log_prob = flow.log_prob(fresh)
    np.testing.assert_allclose(gradient, tape.gradient(log_prob, fresh), rtol=1e-6)
