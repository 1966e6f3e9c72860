"""Frozen flows: the numbers of the flow, by programs that go when a weight changes."""

import copy

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from keras_support import compiled, small

import tfp_flows as tff
from tfp_flows.flows import programs

SEED = [3, 4]
CLOSE = {"float32": {"rtol": 1e-6, "atol": 1e-6}, "float64": {"rtol": 1e-14, "atol": 1e-14}}
QUICK, DOUBLE = "realnvp_normalised", ("ffjord", "maf", "nsf", "realnvp", "residual")
# XLA rounds these otherwise than TensorFlow, up to a few 1e-6 of the whole.
ROUNDED = ("nsf", "sos", "bernstein", "realnvp_mixed", "gaussianization")


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def close(found, expected, dtype="float32", slack=1.0):
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == tf.as_dtype(dtype)
    bounds = {name: slack * bound for name, bound in CLOSE[dtype].items()}
    np.testing.assert_allclose(found, expected, **bounds)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *(
            pytest.param(name, "float32", marks=[] if name == QUICK else pytest.mark.deep)
            for name in rows.FLOWS
        ),
        *(pytest.param(name, "float64", marks=pytest.mark.deep) for name in DOUBLE),
    ],
)
def test_densities_are_those_of_the_flow(name, dtype):
    flow = rows.flow(name, tf.as_dtype(dtype))
    frozen = flow.frozen(batch_sizes=[1, 10])
    slack = 5.0 if name.startswith(ROUNDED) else 1.0
    if name == "ffjord" and dtype == "float64":
        slack = 1e5  # the steps of the solver are those of a batch
    for count in (0, 1, 7, 10, 23):
        x = normal(count, *flow.event_shape, dtype=dtype)
        close(frozen.log_prob(x), flow.log_prob(x), dtype, slack)
    close(frozen.log_prob(tf.constant(x[:10])), flow.log_prob(x[:10]), dtype, slack)
    assert not frozen.stale


@pytest.mark.deep
@pytest.mark.parametrize("name", ["maf", "realnvp", "nsf", "realnvp_mixed"])
def test_all_ways_through_a_flow(name):
    flow = rows.flow(name)
    frozen = flow.frozen()
    for count in (0, 1, 7, 100, 1000):
        x = normal(count, *flow.event_shape)
        for way in ("log_prob", "prob", "to_latent", "from_latent"):
            close(getattr(frozen, way)(x), getattr(flow, way)(x), slack=20)
    close(frozen.sample([2, 3], seed=SEED), flow.sample([2, 3], seed=SEED), slack=20)
    for found, expected in zip(
        frozen.sample_and_log_prob(5, seed=SEED),
        flow.sample_and_log_prob(5, seed=SEED),
        strict=True,
    ):
        close(found, expected, slack=20)


def test_shapes_contexts_and_samples():
    flow = rows.randomise(small(event_shape=3, context_shape=2))
    flow.adapt(normal(50, 3), normal(50, 2))
    frozen = flow.frozen(batch_sizes=[12])
    x, context = normal(4, 3, 3), normal(3, 2, seed=1)
    close(frozen.log_prob(x, context), flow.log_prob(x, context))
    close(frozen.log_prob(x[0, 0], context[0]), flow.log_prob(x[0, 0], context[0]))
    close(frozen.sample(5, context, seed=SEED), flow.sample(5, context, seed=SEED))
    # Others than arrays and tensors of the flow's dtype, and errors, are the flow's.
    close(frozen.log_prob(x.tolist(), context), flow.log_prob(x, context))
    with pytest.raises(ValueError, match="needs a context"):
        frozen.log_prob(x)
    with pytest.raises(ValueError, match=r"shape \(4, 3, 3\)|\[..., 3\]"):
        frozen.log_prob(x[..., :2], context)
    with pytest.raises(TypeError):
        frozen.log_prob(x, context, training=True)


@pytest.mark.keras
def test_whatever_writes_a_weight_is_seen():
    x = normal(10, 2)
    model = compiled(small(), jit_compile=False)
    flow, other = model.flow, rows.randomise(small())
    kernel = max(flow.trainable_variables, key=lambda v: len(v.shape))
    frozen, held = flow.frozen(jit_compile=False), flow.frozen(check=False, jit_compile=False)
    before = np.asarray(flow.log_prob(x))

    @tf.function
    def in_a_graph():
        kernel.assign_sub(tf.ones_like(kernel) * 0.3)

    def by_a_tape():
        optimizer = tf.keras.optimizers.SGD(0.1)
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(frozen.log_prob(tf.constant(x)))
        variables = list(model.trainable_variables)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    ways = {
        "assign": lambda: kernel.assign(kernel + 0.5),
        "assign_add": lambda: kernel.assign_add(tf.ones_like(kernel) * 0.2),
        "one entry": lambda: kernel.scatter_nd_update([[0, 0]], [7.0]),
        "a function": in_a_graph,
        "an optimizer": by_a_tape,
        "fit": lambda: model.fit(x, epochs=1, verbose=0),
        "weights": lambda: model.set_weights([w + 0.1 for w in model.get_weights()]),
        "another flow": lambda: [
            a.assign(b) for a, b in zip(flow.variables, other.variables, strict=True)
        ],
    }
    last = before
    for name, write in ways.items():
        close(frozen.log_prob(x), last)
        assert not frozen.stale, name
        write()
        assert frozen.stale, name
        last = np.asarray(flow.log_prob(x))
        close(frozen.log_prob(x), last)
    assert np.abs(last - before).min() > 1e-4
    # What was written is what was there: nothing is thrown away.
    kernel.assign(kernel.numpy())
    assert not frozen.stale
    close(held.log_prob(x), before)
    held.refresh()
    close(held.log_prob(x), last)


@pytest.mark.deep
@pytest.mark.keras
def test_compiled_training_and_loaded_weights_are_seen(tmp_path):
    x = normal(64, 2)
    model = compiled(small())
    model.save_weights(tmp_path / "start.weights.h5")
    frozen = model.flow.frozen()
    start = frozen.log_prob(x).numpy()
    for _ in range(2):
        model.fit(x, epochs=1, batch_size=16, verbose=0)
        assert frozen.stale
        close(frozen.log_prob(x), model.flow.log_prob(x))
    model.load_weights(tmp_path / "start.weights.h5")
    close(frozen.log_prob(x), start)
    frozen.log_prob(x)
    model.save(tmp_path / "flow.keras")
    close(frozen.log_prob(x), tff.load(tmp_path / "flow.keras").flow.log_prob(x))


def test_a_frozen_flow_leaves_the_flow_alone():
    flow = small("realnvp", event_shape=3)
    frozen, x = flow.frozen(), tf.constant(normal(5, 3))
    close(frozen.log_prob(x), flow.log_prob(x))
    assert len(copy.deepcopy(flow).variables) == len(flow.variables)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(frozen.log_prob(x))
    found = tape.gradient(value, [x, flow.trainable_variables[0]])
    assert all(gradient is not None and np.abs(gradient).max() > 0 for gradient in found)
    close(tf.function(frozen.log_prob)(x), flow.log_prob(x))
    # Rows do not see those beside them, and strange ones are what they were.
    strange = np.array([[np.nan, 0, 0], [0, 0, 0], [1e30, 0, 0]], np.float32)
    np.testing.assert_array_equal(
        np.isfinite(frozen.log_prob(strange)), np.isfinite(flow.log_prob(strange))
    )


def test_programs_are_few_and_kernels_may_be_narrow():
    flow = small("realnvp", event_shape=3)
    frozen = flow.frozen(batch_sizes=[8, 20], compute_dtype="bfloat16", jit_compile=False)
    expected = flow.log_prob(normal(45, 3))
    for count in (1, 5, 8, 9, 20, 45):
        found = frozen.log_prob(normal(45, 3)[:count])
        np.testing.assert_allclose(found, expected[:count], rtol=0.02, atol=0.05)
    assert len(frozen._programs._known) == 2
    assert np.abs(found - expected).max() > 1e-6
    assert programs.SIZES[-1] == 4096
    assert all(b <= 2 * a for a, b in zip(programs.SIZES, programs.SIZES[1:], strict=False))


def test_what_cannot_be_frozen_says_why():
    flow = small(context_shape=1)
    for options, message in (
        ({"batch_sizes": [0]}, "positive integer, got 0"),
        ({"batch_sizes": []}, "at least one"),
        ({"compute_dtype": "float16"}, "bfloat16.*float16"),
        ({"jit_compile": "maybe"}, "maybe"),
    ):
        with pytest.raises(ValueError, match=message):
            flow.frozen(**options)
    with pytest.raises(ValueError, match=r"before given\(\)"):
        flow.given(normal(4, 1)).frozen()
    base = tfp.distributions.MultivariateNormalDiag(tf.zeros([5, 2]))
    with pytest.raises(ValueError, match="batch shape"):
        tff.Flow(base, small().bijector).frozen()
    noisy = tff.Flow(
        tff.flows.standard_normal([2, 2, 1]),
        tff.bijectors.Chain([tff.bijectors.Dequantize(event_shape=(2, 2, 1), bins=4)]),
    )
    with pytest.raises(ValueError, match="draws random numbers"):
        noisy.frozen(jit_compile=False).log_prob(np.ones([3, 2, 2, 1], np.float32))


@pytest.mark.deep
def test_an_embedding_is_frozen_with_the_flow():
    inputs = {"a": tf.keras.Input([2], name="a"), "k": tf.keras.Input([], dtype="int32", name="k")}
    hidden = tf.keras.layers.Embedding(4, 3)(inputs["k"])
    hidden = tf.keras.layers.Concatenate()([inputs["a"], hidden])
    network = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(hidden))
    part = tff.flows.maf(event_shape=3, context_shape=2, num_layers=1, hidden_units=[8], seed=0)
    flow = rows.randomise(tff.Flow(part.distribution, part.bijector, embedding=network))
    frozen, x = flow.frozen(), normal(7, 3)
    context = {"a": normal(7, 2), "k": np.arange(7) % 4}
    close(frozen.log_prob(x, context), flow.log_prob(x, flow.cast_context(context)))
    network.layers[-1].kernel.assign(network.layers[-1].kernel + 1.0)
    assert frozen.stale
    close(frozen.log_prob(x, context), flow.log_prob(x, flow.cast_context(context)))


@pytest.mark.deep
def test_two_triangles_become_one_product():
    flow = rows.flow("realnvp_mixed", event_shape=5)
    x = normal(20, 5)
    frozen = flow.frozen(jit_compile=False)
    close(frozen.log_prob(x), flow.log_prob(x), slack=4)
    (program,) = frozen._programs._known.values()
    kinds = [operation.type for operation in program._concrete.graph.get_operations()]
    assert "MatrixTriangularSolve" not in kinds
    # Badly conditioned ones are solved.
    linear = next(m for m in flow.submodules if type(m).__name__ == "InvertibleLinear")
    linear._log_diagonal.assign([6.0, -6.0, 0.0, 0.0, 0.0])
    close(frozen.log_prob(x), flow.log_prob(x), slack=100)
    (program,) = frozen._programs._known.values()
    kinds = [operation.type for operation in program._concrete.graph.get_operations()]
    assert kinds.count("MatrixTriangularSolve") == 1
