"""Several training steps in one compiled program."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick
from keras_support import compiled, gaussian, small

import tfp_flows as tff
from tfp_flows.models import steps
from tfp_flows.models.watching import EachCall

pytestmark = [pytest.mark.keras, pytest.mark.xla]


class Calls(EachCall):
    """Counts what callbacks see of an epoch."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)


def branching_loss(x, log_prob):
    if tf.reduce_mean(x) > 0:
        return -log_prob
    return -2 * log_prob


def test_a_loss_may_branch_as_python_does():
    x = -np.abs(gaussian(64)) - 1
    model = compiled(small(), rate=0.0, loss=branching_loss)
    told = model.fit(x, verbose=0, batch_size=64).history["loss"][0]
    assert told == pytest.approx(-2 * np.mean(model.flow.log_prob(x)), rel=1e-4)


class Telling(tff.FlowModel):
    """Returns a result of its own."""

    def train_step(self, batch):
        results = super().train_step(batch)
        return results | {"doubled": 2 * results["loss"]}


def test_results_of_an_own_step_reach_the_history():
    model = compiled(small(), model=Telling)
    history = model.fit(gaussian(100), verbose=0, batch_size=25, epochs=2).history
    np.testing.assert_allclose(history["doubled"], 2 * np.asarray(history["loss"]), rtol=1e-5)


@pytest.mark.deep
def test_an_own_step_draws_the_noise_of_ours():
    x = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1)).astype(np.float32)
    options, losses = {"num_levels": 1, "depth": 1, "hidden_units": [4], "seed": 0}, []
    for kind in (tff.FlowModel, Telling):
        tf.keras.utils.set_random_seed(0)
        model = compiled(tff.flows.glow(event_shape=(4, 4, 1), **options), model=kind)
        history = model.fit(x, verbose=0, shuffle=False, batch_size=20, epochs=2).history
        losses.append(history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.deep
def test_an_own_step_that_cannot_be_solved_raises():
    options = {"hidden_units": [8], "max_steps": 1, "rtol": 1e-9, "atol": 1e-9, "seed": 0}
    bijector = rows.randomise(tff.bijectors.ContinuousFlow(event_shape=2, **options))
    model = compiled(tff.Flow(tff.flows.standard_normal(2), bijector), model=Telling)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_steps=1"):
        model.fit(gaussian(50), verbose=0)


@pytest.fixture
def traces(monkeypatch):
    """One entry each time the training step is traced."""
    found = []
    original = tff.FlowModel.train_step

    def train_step(self, batch):
        found.append(1)
        return original(self, batch)

    monkeypatch.setattr(tff.FlowModel, "train_step", train_step)
    return found


@pytest.mark.parametrize("whole", quick([17, 20, 16], "17"))
def test_traces_at_most_twice_with_a_last_partial_batch(whole, traces):
    model = compiled(small())
    # Whole batches, which the 16 of a call may not divide, and one of 9 rows.
    x = gaussian(whole * 32 + 9)
    for _ in range(2):
        model.fit(x, epochs=3, verbose=0, batch_size=32)
    assert len(traces) == 2
    assert int(model.optimizer.iterations.numpy()) == 2 * 3 * (whole + 1)


@pytest.mark.keras(quick=True)
def test_agrees_with_single_steps_over_partial_calls_and_batches():
    x = gaussian(20 * 32 + 9)
    results = []
    for options in ({"steps_per_execution": 1, "jit_compile": False}, {}):
        model = compiled(small(), **options)
        history = model.fit(x, epochs=2, verbose=0, batch_size=32, shuffle=False).history
        results.append([history["loss"], *(v.numpy() for v in model.flow.trainable_variables)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-4)


@pytest.mark.deep
def test_runs_as_many_steps_as_asked_of_an_endless_stream():
    stream = tf.data.Dataset.from_tensor_slices(gaussian(100)).batch(20).repeat()
    model, calls = compiled(small()), Calls()
    model.fit(stream, epochs=2, steps_per_epoch=14, verbose=0, callbacks=[calls])
    assert int(model.optimizer.iterations.numpy()) == 28
    assert len(calls.batches) == 2


@pytest.mark.deep
def test_evaluation_sees_every_batch_before_and_after_a_change_of_the_number():
    x = gaussian(330)
    model = compiled(small(), rate=0.0)

    def seen():
        return model.evaluate(x, batch_size=30, verbose=0, return_dict=True)["loss"]

    model.flow.adapt(x)
    before = seen()
    assert before == pytest.approx(-np.mean(model.flow.log_prob(x)), rel=1e-5)
    model.fit(x, batch_size=30, verbose=0)
    assert seen() == pytest.approx(before, rel=1e-5)
    model.fit(x, batch_size=110, verbose=0)
    assert seen() == pytest.approx(before, rel=1e-5)
    assert model.predict(x, batch_size=30, verbose=0).shape == (330,)


@pytest.mark.deep
def test_contexts_and_weights_go_along():
    x, context = gaussian(200), np.ones([200, 1], np.float32)
    weight = (np.arange(200) < 100).astype(np.float32)
    flow = small(context_shape=1)
    model = compiled(flow, rate=0.0)
    history = model.fit(x, context, weight, batch_size=32, verbose=0).history
    assert history["loss"][0] == pytest.approx(
        -np.mean(flow.log_prob(x[:100], context[:100])), rel=1e-4
    )


def test_train_on_batch_is_one_step():
    model = compiled(small())
    model.flow.adapt(gaussian(100))
    first = model.train_on_batch(gaussian(50))
    assert np.all(np.isfinite(first))
    assert int(model.optimizer.iterations.numpy()) == 1


@pytest.mark.parametrize(
    ("batches", "steps_per_epoch", "expected"),
    [(5, None, 5), (100, None, 16), (100, 12, 12), (100, 17, 1), (100, 50, 10)],
)
def test_number_of_steps_in_a_call(batches, steps_per_epoch, expected):
    stream = tf.data.Dataset.from_tensor_slices(np.zeros([batches, 3, 2], np.float32))
    assert steps.steps_per_call(stream, steps_per_epoch) == expected


def test_large_batches_are_not_gathered():
    large = tf.data.Dataset.from_tensors(tf.zeros([1024, 64, 64, 3])).repeat(100)
    assert steps.steps_per_call(large, None) == 1
