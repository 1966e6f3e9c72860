"""Many rows are worked through in chunks, which nobody sees but by the memory."""

import json
import subprocess
import sys

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from depth import quick

import tfp_flows as tff
from tfp_flows.flows import chunks

F = tff.flows
tfb = tfp.bijectors
SEED = [3, 4]


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a few rows, and what they were."""
    monkeypatch.setattr(chunks, "LEAST_ROWS", 4)
    monkeypatch.setattr(chunks, "NUMBERS", 1)
    seen = []
    kept = chunks.Part.cut

    def cut(part, *arguments):
        found = kept(part, *arguments)
        if part.value is not None:
            seen.append(arguments)
        return found

    monkeypatch.setattr(chunks.Part, "cut", cut)
    return seen


def flow_of(**options):
    options = {"event_shape": 3, "num_layers": 2, "hidden_units": [8], "seed": 0, **options}
    return rows.randomise(F.maf(**options))


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def whole(function):
    """What a function gives in one piece: in a graph nothing is cut."""
    return tf.function(function, autograph=False)()


WAYS = {
    "log_prob": lambda flow, x, c: flow.log_prob(x, c),
    "prob": lambda flow, x, c: flow.prob(x, c),
    "log_prob_map": lambda flow, x, c: flow.log_prob_map(x, c),
    "to_latent": lambda flow, x, c: flow.to_latent(x, c),
    "from_latent": lambda flow, x, c: flow.from_latent(x, c),
}


@pytest.mark.parametrize("way", quick(WAYS, "log_prob", "from_latent"))
@pytest.mark.parametrize(
    ("shape", "given"),
    [((10, 3), None), ((2, 9, 3), (9, 1)), ((9, 1, 3), (1, 2, 1)), ((3,), (11, 1)), ((7, 3), (1,))],
    ids=["rows", "rows of a context", "crossed", "contexts", "one context"],
)
def test_rows_do_not_notice(way, shape, given, small_chunks):
    flow = flow_of(context_shape=given and 1)
    x, context = normal(*shape), None if given is None else normal(*given)
    expected = whole(lambda: WAYS[way](flow, x, context))
    assert not small_chunks
    found = WAYS[way](flow, x, context)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    assert len(small_chunks) >= 2


def test_samples_of_a_seed_are_those_of_one_piece(small_chunks):
    flow = flow_of(context_shape=1)
    for shape, context in (([6], normal(1)), ([2, 3], normal(4, 1)), ([], normal(9, 1))):
        expected = whole(lambda s=shape, c=context: flow.sample(s, c, seed=SEED))
        np.testing.assert_allclose(flow.sample(shape, context, seed=SEED), expected, atol=1e-5)
        x, log_prob = flow.sample_and_log_prob(shape, context, seed=SEED)
        np.testing.assert_allclose(x, expected, atol=1e-5)
        np.testing.assert_allclose(log_prob, flow.log_prob(x, context), atol=1e-4)
    assert small_chunks


def test_more_latents_than_are_drawn_at_once(small_chunks, monkeypatch):
    flow = flow_of(context_shape=1)
    small = flow.sample([5], normal(1), seed=SEED)
    monkeypatch.setattr(chunks, "DRAWN", 15)
    assert flow.sample([8], normal(1), seed=np.array([1, 2])).shape == (8, 3)
    np.testing.assert_array_equal(flow.sample([5], normal(1), seed=SEED), small)
    x = flow.sample([8], context := normal(2, 1), seed=SEED)
    assert x.shape == [8, 2, 3]
    assert len(np.unique(x)) == 48  # no block repeats another
    np.testing.assert_array_equal(x, flow.sample([8], context, seed=SEED))
    assert not np.allclose(x, flow.sample([8], context, seed=[3, 5]))
    # Contexts are cut along with the draws.
    many = np.linspace(-3, 3, 12, dtype=np.float32)[:, None]
    x = flow.sample(context=many, seed=SEED)
    alone = flow.to_latent(x, many)
    assert np.abs(alone).max() < 5
    x, log_prob = flow.sample_and_log_prob(context=many, seed=SEED)
    np.testing.assert_allclose(log_prob, flow.log_prob(x, many), atol=1e-4)


def test_batches_of_the_flow_itself_are_not_cut(small_chunks):
    flow = flow_of(context_shape=1)
    contexts, x = normal(2, 3, 10, 1), normal(10, 3)
    at = flow.given(contexts)
    for value in (x, normal(3, 10, 3), normal(5, 2, 3, 10, 3)):
        expected = whole(lambda value=value: at.log_prob(value))
        np.testing.assert_allclose(at.log_prob(value), expected, rtol=2e-5, atol=2e-6)
    inside = tff.Flow(flow.distribution, tff.bijectors.Given(flow.bijector, contexts[0, 0]))
    np.testing.assert_allclose(inside.log_prob(x), flow.log_prob(x, contexts[0, 0]), atol=2e-5)
    assert inside.sample(10, seed=SEED).shape == (10, 3)
    shift = tff.bijectors.Chain([tfb.Shift(x), flow_of().bijector])
    moved = tff.Flow(flow.distribution, shift)
    expected = flow_of().log_prob(np.zeros_like(x))
    np.testing.assert_allclose(moved.log_prob(x), expected, atol=2e-5)


class Doubled(tfb.Bijector):
    """A bijector of a user's own, which says nothing of its parameters."""

    def __init__(self):
        super().__init__(forward_min_event_ndims=0)

    def _forward(self, x):
        return 2 * x

    def _inverse(self, y):
        return y / 2

    def _inverse_log_det_jacobian(self, y):
        return -tf.math.log(tf.constant(2, y.dtype))


def test_what_is_not_known_is_not_cut_and_parameters_of_an_event_are_no_batch(small_chunks):
    flow, x = flow_of(), normal(20, 3)
    doubled = tff.Flow(flow.distribution, tff.bijectors.Chain([Doubled(), flow.bijector]))
    expected = whole(lambda: flow.log_prob(x)) - 3 * np.log(2)
    np.testing.assert_allclose(doubled.log_prob(2 * x), expected, rtol=1e-5, atol=1e-5)
    assert doubled.sample(20, seed=SEED).shape == (20, 3)
    assert not small_chunks
    shift = tfb.Shift(np.float32([1, 2, 3]))
    moved = tff.Flow(flow.distribution, tff.bijectors.Chain([shift, flow.bijector]))
    np.testing.assert_allclose(
        moved.log_prob(x + shift.shift), expected + 3 * np.log(2), rtol=1e-5, atol=1e-5
    )
    assert len(small_chunks) >= 2


def test_results_of_another_length_are_refused():
    with pytest.raises(ValueError, match="Chunks gave 3 rows in place of 2"):
        chunks.joined(iter([tf.zeros([3, 1]), tf.zeros([3, 1])]), 0, 5)
    with pytest.raises(ValueError, match="Chunks gave 3 of 5 rows"):
        chunks.joined(iter([tf.zeros([3, 1])]), 0, 5)


def test_functions_of_a_user_are_read_without_a_warning(small_chunks, caplog):
    flow = flow_of()

    @tf.function
    def both():
        return flow.log_prob(flow.sample(10, seed=SEED))

    assert both().shape == (10,)
    assert "AutoGraph" not in caplog.text


def test_an_embedding_sees_the_contexts_of_a_chunk(small_chunks):
    network = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.Dense(1)])
    maf = F.maf(event_shape=3, num_layers=1, hidden_units=[8], seed=0, context_shape=1)
    flow = rows.randomise(tff.Flow(maf.distribution, maf.bijector, embedding=network))
    x, context = normal(10, 3), normal(10, 2)
    expected = whole(lambda: flow.log_prob(x, context))
    np.testing.assert_allclose(flow.log_prob(x, context), expected, atol=2e-5)
    drawn = flow.sample(context=context, seed=SEED)
    np.testing.assert_allclose(
        drawn, whole(lambda: flow.sample(context=context, seed=SEED)), atol=1e-5
    )


@pytest.mark.parametrize("way", quick(["log_prob", "from_latent", "sample"], "sample"))
def test_gradients_flow_through_chunks(way, small_chunks):
    flow, x = flow_of(), tf.constant(normal(10, 3))
    ways = {**WAYS, "sample": lambda flow, x, _: flow.sample(10, seed=SEED) * x}

    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(ways[way](flow, x, None)))
        return tape.gradient(loss, [x, *flow.trainable_variables])

    for found, expected in zip(gradients(), whole(gradients), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert small_chunks


def test_forward_derivatives_flow_through_chunks(small_chunks):
    flow, x = flow_of(), tf.constant(normal(10, 3))

    def derivatives():
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as forward:
            z = flow.to_latent(x)
        return forward.jvp(z)

    np.testing.assert_allclose(derivatives(), whole(derivatives), rtol=1e-4, atol=1e-5)
    assert small_chunks


def test_what_cannot_be_cut_is_not(small_chunks):
    flow = flow_of(context_shape=1)
    x = normal(9, 3)
    batch = flow.given(normal(9, 1))
    assert batch.log_prob(x).shape == [9]
    assert not small_chunks
    assert batch.log_prob(normal(5, 9, 3)).shape == [5, 9]
    assert small_chunks
    with pytest.raises(ValueError, match="has shape"):
        flow.log_prob(normal(9, 2), normal(9, 1))
    with pytest.raises(ValueError, match="needs a context"):
        flow.log_prob(x)
    norm = rows.randomise(F.maf(event_shape=3, num_layers=1, normalization="batch", seed=0))
    seen = len(small_chunks)
    norm.log_prob(x, training=True)
    assert len(small_chunks) == seen


def test_how_many_rows_are_a_chunk():
    maf = F.maf(event_shape=784, num_layers=1, hidden_units=[1024], seed=0)
    assert maf.rows_at_once() == chunks.rows_of(1568)
    assert chunks.rows_of(2**40) == chunks.LEAST_ROWS


PROGRAM = """
import json, sys
import numpy as np
import tfp_flows as tff

def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))

flow = tff.flows.maf(event_shape=784, num_layers=1, hidden_units=[16], seed=0)
x = np.zeros([50_000, 784], np.float32) + 0.5
flow.log_prob(x[:3000]), flow.sample(3000, seed=1)
before = peak()
flow.log_prob(x)
after = peak()
drawn = flow.sample(50_000, seed=1)
print(json.dumps([after - before, peak() - after - drawn.numpy().nbytes // 2**20]))
"""


@pytest.mark.deep
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_a_chunk():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    density, sample = json.loads(done.stdout.splitlines()[-1])
    # Uncut, the parameters alone are 300 MiB, and with what is made of them four times as much.
    assert density < 100
    assert sample < 300
