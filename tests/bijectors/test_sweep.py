"""The fast solver of autoregressive maps against one pass of the network a dimension."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tfp_flows as tff
from tfp_flows.bijectors import sweep

B = tff.bijectors
Network = tff.networks.AutoregressiveNetwork
TOLERANCE = {tf.float32: 1e-5, tf.float64: 1e-12}
ACTIVATIONS = ["relu", "tanh", "silu", "softplus", "linear"]


@st.composite
def cases(draw):
    """A network's arguments, a kind of bijector, a batch shape, a dtype and a seed."""
    size = draw(st.integers(1, 9))
    residual = draw(st.booleans())
    units = st.integers(1, 12)
    hidden = draw(st.lists(units, max_size=3))
    if residual:
        hidden = [draw(units)] * draw(st.sampled_from([1, 3, 5]))
    context = draw(st.integers(0, 2))
    smallest = 0 if context or size == 1 else 1
    largest = max(size - 1, smallest)
    degrees = draw(st.sampled_from(["equal", "random", "given"]))
    if degrees == "random" and residual:
        degrees = "equal"
    if degrees == "given":
        one = st.integers(smallest, largest)
        degrees = [draw(st.lists(one, min_size=count, max_size=count)) for count in hidden]
        if residual:
            degrees = [degrees[0]] * len(hidden)
    network = {
        "event_shape": size,
        "hidden_units": hidden,
        "hidden_degrees": degrees,
        "residual": residual,
        "input_order": draw(st.permutations(range(1, size + 1))),
        "conditional": context > 0,
        "conditional_event_shape": context or None,
        "conditional_input_layers": draw(st.sampled_from(["all_layers", "first_layer"])),
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "use_bias": draw(st.booleans()),
    }
    kind = draw(st.sampled_from([B.MaskedAutoregressive, B.InverseAutoregressive]))
    transformer = draw(st.sampled_from([tff.transformers.Additive, tff.transformers.Affine]))
    shape = draw(st.lists(st.integers(1, 4), max_size=2))
    dtype = draw(st.sampled_from([tf.float32, tf.float64]))
    return network, context, kind, transformer(), shape, dtype, draw(st.integers(0, 99))


def both(case):
    """The same bijector with both solvers, a value and a context."""
    network, context, kind, transformer, shape, dtype, seed = case
    network = Network(transformer.num_parameters, dtype=dtype.name, **network)
    rows.randomise(network, seed)
    options = {
        "event_shape": network.event_shape,
        "context_shape": context or None,
        "network": network,
        "transformer": transformer,
        "dtype": dtype,
    }
    fast, slow = (kind(solver=solver, **options) for solver in ("incremental", "sequential"))
    generator = np.random.default_rng(seed)
    value = tf.constant(generator.normal(size=(*shape, *network.event_shape)), dtype)
    given = None
    if context:
        given = tf.constant(generator.normal(size=(*shape, context)), dtype)
    return fast, slow, value, given


def slow_direction(bijector, value, context):
    if isinstance(bijector, B.MaskedAutoregressive):
        return bijector.forward_and_log_det(value, context)
    return bijector.inverse_and_log_det(value, context)


def evaluate(bijector, value, context, weights):
    """Value, log-det, and the gradients of a mixture of both."""
    with tf.GradientTape() as tape:
        sources = [value, *([] if context is None else [context]), *weights]
        tape.watch(sources)
        result, log_det = slow_direction(bijector, value, context)
        mixed = tf.reduce_sum(tf.sin(result)) + tf.reduce_sum(tf.cos(log_det))
    gradients = tape.gradient(mixed, sources, unconnected_gradients="zero")
    return [result, log_det, *gradients]


def assert_near(first, second, tolerance):
    for one, other in zip(first, second, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        np.testing.assert_allclose(one, other, atol=tolerance * (1 + np.abs(other).max()), rtol=0)


@pytest.fixture(params=[(11, 64), (1, 64), (1, 2)], ids=["one", "four", "many"], scope="module")
def blocks(request):
    """Few dimensions in one block, in up to four in line, or in loops of blocks."""
    before = sweep._SMALLEST_BLOCK, sweep._LARGEST_BLOCK
    yield set_blocks(*request.param)
    set_blocks(*before)


def set_blocks(smallest, largest):
    sweep._SMALLEST_BLOCK, sweep._LARGEST_BLOCK = smallest, largest
    sweep._plan.cache_clear()
    sweep._as_functions.cache_clear()


OPTIONS = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@pytest.mark.deep
@settings(max_examples=8, **OPTIONS)
@given(case=cases())
def test_equals_one_pass_a_dimension(blocks, case):
    equals_one_pass_a_dimension(case)


@pytest.mark.parametrize("blocks", [(1, 2)], indirect=True)
@settings(max_examples=2, **OPTIONS)
@given(case=cases())
def test_equals_one_pass_a_dimension_in_few_cases(blocks, case):
    equals_one_pass_a_dimension(case)


def equals_one_pass_a_dimension(case):
    fast, slow, value, context = both(case)
    assert_near(
        evaluate(fast, value, context, fast.trainable_variables),
        evaluate(slow, value, context, fast.trainable_variables),
        10 * TOLERANCE[value.dtype],
    )
    assert_near(
        slow_direction(fast, value, context),
        slow_direction(slow, value, context),
        TOLERANCE[value.dtype],
    )


@pytest.fixture(
    params=[
        pytest.param((200, [210, 40], False), marks=pytest.mark.deep),
        (66, [66], False),
        pytest.param((70, [75, 75, 75], True), marks=pytest.mark.deep),
        pytest.param((40, [90, 70], False), marks=pytest.mark.deep),
    ]
)
def large(request):
    """Dimensions in several blocks, two, or one, in stretches or not."""
    size, hidden, residual = request.param
    order = (np.random.default_rng(0).permutation(size) + 1).tolist()
    network = {
        "event_shape": size,
        "hidden_units": hidden,
        "residual": residual,
        "input_order": order,
        "conditional": True,
        "conditional_event_shape": 2,
        "activation": "silu",
    }
    affine = tff.transformers.Affine()
    fast, slow, value, context = both(
        (network, 2, B.MaskedAutoregressive, affine, [3], tf.float64, 1)
    )
    for variable in fast.trainable_variables:
        variable.assign(4 * variable / np.sqrt(fast.event_shape[0]))
    return fast, slow, value, context


@pytest.mark.parametrize(
    "mode", ["graph", *(pytest.param(m, marks=pytest.mark.deep) for m in ("eager", "xla"))]
)
def test_blocks_of_dimensions(large, mode):
    fast, slow, value, context = large
    weights = fast.trainable_variables

    def gradients():
        return evaluate(fast, value, context, weights)

    if mode != "eager":
        gradients = tf.function(gradients, jit_compile=mode == "xla")
    assert_near(gradients(), evaluate(slow, value, context, weights), 1e-11)


@pytest.mark.deep
def test_second_derivatives():
    network = {"event_shape": 4, "hidden_units": [9, 9], "activation": "tanh"}
    affine = tff.transformers.Affine()
    fast, slow, value, _ = both((network, 0, B.MaskedAutoregressive, affine, [2], tf.float64, 3))

    def second(bijector):
        sources = [value, *fast.trainable_variables]
        with tf.GradientTape() as outer:
            outer.watch(value)
            _, _, *gradients = evaluate(bijector, value, None, fast.trainable_variables)
            total = sum(tf.reduce_sum(tf.sin(gradient)) for gradient in gradients)
        return outer.gradient(total, sources)

    assert_near(second(fast), second(slow), 1e-10)


@pytest.mark.deep
def test_graph_does_not_grow_with_dimensions():
    def operations(size):
        network = Network(2, event_shape=size, hidden_units=[16])
        bijector = B.MaskedAutoregressive(event_shape=size, network=network)

        @tf.function
        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = bijector.forward(x)
            return tape.gradient(y, x)

        graph = gradient.get_concrete_function(tf.TensorSpec([None, size])).graph.as_graph_def()
        return len(graph.node) + sum(len(function.node_def) for function in graph.library.function)

    # Four blocks in line, or a loop of blocks in four stretches.
    assert operations(64) < 1.1 * operations(52)
    assert operations(4200) < 1.1 * operations(2100)


def test_rounding_is_no_dependence():
    # A single hidden unit of a conditional network has degree 0: no input reaches an output, and
    # rows of a product may differ in the last bit.
    network = Network(
        1,
        event_shape=8,
        hidden_units=[1],
        conditional=True,
        activation="tanh",
        conditional_event_shape=1,
        dtype="float64",
    )
    rows.randomise(network, 78)
    bijector = B.MaskedAutoregressive(
        event_shape=8,
        context_shape=1,
        network=network,
        transformer=tff.transformers.Additive(),
        dtype=tf.float64,
    )
    x = np.random.default_rng(0).normal(size=(5, 8))
    shifts = bijector.forward(x, context=np.ones([5, 1])) - x
    np.testing.assert_allclose(shifts - shifts[:1], 0, atol=1e-12)


def test_solver_is_checked():
    foreign = rows._tfp_network(tf.float32)
    with pytest.raises(ValueError, match="choose 'sequential' or 'jacobi'"):
        B.MaskedAutoregressive(event_shape=3, network=foreign, solver="incremental")
    with pytest.raises(ValueError, match="computes in float32"):
        B.MaskedAutoregressive(event_shape=3, compute_dtype="bfloat16", solver="incremental")
    with pytest.raises(ValueError, match="jacoby"):
        B.MaskedAutoregressive(event_shape=3, solver="jacoby")
    with pytest.raises(ValueError, match="tolerance"):
        B.MaskedAutoregressive(event_shape=3, solver="jacobi", tolerance=-1.0)


def test_jacobi_stops_early():
    network = Network(2, event_shape=40, hidden_units=[40], activation="tanh", output_scale=0.01)
    calls = []

    class Counted(tf.Module):
        def __call__(self, x):
            calls.append(1)
            return network(x)

    jacobi, sequential = (
        B.MaskedAutoregressive(event_shape=40, network=Counted(), solver=solver)
        for solver in ("jacobi", "sequential")
    )
    x = tf.random.stateless_normal([5, 40], (0, 1))
    calls.clear()
    first = jacobi.forward(x)
    assert len(calls) < 20
    np.testing.assert_allclose(first, sequential.forward(x), atol=1e-6)


@pytest.mark.parametrize("hidden", [[8, 8], [8, 7, 8]])
def test_residual_networks_need_an_odd_number_of_equal_layers(hidden):
    with pytest.raises(ValueError, match="odd number of hidden layers"):
        Network(2, event_shape=3, hidden_units=hidden, residual=True)
    with pytest.raises(ValueError, match="same hidden_degrees"):
        Network(
            2,
            event_shape=3,
            hidden_units=[2, 2, 2],
            residual=True,
            hidden_degrees=[[1, 2]] * 2 + [[1, 1]],
        )
