"""A batch in parts takes the step of the whole batch."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick
from keras_support import compiled, conditioner, coupling_flow, gaussian, small

import tfp_flows as tff
from tfp_flows import noise, penalties
from tfp_flows.models import accumulation

pytestmark = pytest.mark.keras
keras = tf.keras


def trained(accumulate, x, context=None, weight=None, *, flow=None, **options):
    """Weights and losses after a few steps of a batch size that does not divide the rows."""
    flow = small(context_shape=context is not None or None) if flow is None else flow()
    optimizer = keras.optimizers.Adam(1e-2, global_clipnorm=1.0)
    model = tff.FlowModel(flow)
    model.compile(optimizer, accumulate=accumulate, **{"jit_compile": False, **options})
    told = model.fit(x, context, weight, batch_size=24, epochs=3, shuffle=False, verbose=0).history
    assert int(model.optimizer.iterations.numpy()) == 3 * -(-len(x) // 24)
    return [told["loss"], told["bits_per_dim"], *[v.numpy() for v in flow.variables]]


def check(found, expected, atol=1e-6):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=atol)


@pytest.mark.keras(quick=True)
@pytest.mark.parametrize("parts", quick([2, 5, 24, 30], "5"))
def test_a_step_is_that_of_the_whole_batch(parts):
    x = gaussian(77)  # the last batch has 5 rows
    check(trained(parts, x), trained(1, x))


@pytest.mark.parametrize(
    "options",
    [
        {"run_eagerly": True},
        pytest.param({"jit_compile": True}, marks=[pytest.mark.xla, pytest.mark.deep]),
    ],
    ids=["eager", "xla"],
)
def test_in_every_mode(options):
    x = gaussian(53)
    check(trained(3, x, **options), trained(1, x), 1e-5)


@pytest.mark.deep
def test_contexts_and_weights_are_cut_along():
    x, weight = gaussian(50), np.linspace(0, 2, 50).astype(np.float32)
    context = np.linspace(-1, 1, 50).astype(np.float32)[:, None]
    check(trained(5, x, context, weight), trained(1, x, context, weight))


def test_regularisers_count_once():
    x = gaussian(48)

    def flow():
        keras.utils.set_random_seed(0)
        return coupling_flow(conditioner(kernel_initializer="he_normal"))

    check(trained(4, x, flow=flow), trained(1, x, flow=flow))


def test_a_loss_of_ones_own_and_training_by_a_stream():
    x, results = gaussian(60), []
    for parts in (1, 3):
        model = compiled(small(), loss=lambda x, p: -p * tf.abs(x[:, 0]), accumulate=parts)
        model.fit(tf.data.Dataset.from_tensor_slices(x).batch(25), epochs=2, verbose=0)
        results.append([v.numpy() for v in model.flow.variables])
    check(*results, 1e-5)


def test_gradients_are_sums_over_parts_of_unequal_weight():
    a, unused = tf.Variable(2.0), tf.Variable(1.0)
    x = tf.range(7.0)[:, None]
    weight = tf.constant([0.0, 1, 2, 3, 0, 0, 1])
    drawn = []

    def gradients(part, number, share):
        values, _, w = part
        with tf.GradientTape() as tape:
            mean = tf.math.divide_no_nan(
                tf.reduce_sum(w * tf.square(a * values[:, 0])), tf.reduce_sum(w)
            )
            loss = mean * tf.cast(share, tf.float32)
        drawn.append(number)
        return tape.gradient(loss, [a, unused])

    for count in (1, 2, 3, 7, 9):
        found = accumulation.summed_gradients(gradients, (x, None, weight), count, [a, unused])
        expected = 2 * 2.0 * np.sum(weight * x[:, 0] ** 2) / np.sum(weight)
        assert found[0].numpy() == pytest.approx(expected, rel=1e-6)
        assert found[1] is None


class Noisy(tff.bijectors.Bijector):
    """Moves by noise, and tells what it drew."""

    def __init__(self, drawn):
        super().__init__(event_shape=2)
        self.shift, self._drawn = tf.Variable([0.0, 0.0]), drawn

    def _inverse_and_log_det(self, y, context, training):
        shift = noise.normal([1])
        penalties.add_penalty(0.0 * shift[0])
        tf.py_function(lambda value: self._drawn.append(float(value)), [shift[0]], [])
        return y - self.shift, tf.zeros(tf.shape(y)[:-1])

    _forward_and_log_det = _inverse_and_log_det


def test_each_part_draws_noise_of_its_own():
    drawn = []
    model = tff.FlowModel(tff.Flow(tff.flows.standard_normal(2), Noisy(drawn)))
    model.compile("adam", accumulate=3, jit_compile=False)
    model.fit(gaussian(24), batch_size=12, epochs=2, verbose=0)
    assert len(drawn) == len(set(drawn)) == 2 * 2 * 3


@pytest.mark.deep
def test_a_check_that_fails_in_a_part_is_told():
    options = {"hidden_units": [8], "max_steps": 1, "rtol": 1e-9, "atol": 1e-9, "seed": 0}
    bijector = rows.randomise(tff.bijectors.ContinuousFlow(event_shape=2, **options))
    model = compiled(tff.Flow(tff.flows.standard_normal(2), bijector), accumulate=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_steps=1"):
        model.fit(gaussian(50), verbose=0)


@pytest.mark.deep
def test_it_is_saved_and_resumed_in_the_middle(tmp_path):
    x = gaussian(60)

    def model():
        return compiled(small(), accumulate=3, jit_compile=False)

    def keeper(path):
        return tff.models.ResumableTraining(path, seed=5, monitor="loss")

    whole = model()
    whole.fit(x, epochs=4, batch_size=25, callbacks=[keeper(None)], verbose=0)
    first, second = model(), model()
    first.fit(x, epochs=2, batch_size=25, callbacks=[keeper(tmp_path / "s.npz")], verbose=0)
    again = keeper(tmp_path / "s.npz")
    begun = again.resume(second)
    assert begun == 2
    second.fit(x, epochs=4, initial_epoch=begun, batch_size=25, callbacks=[again], verbose=0)
    for one, other in zip(whole.flow.variables, second.flow.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    second.save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras")
    assert loaded.get_compile_config()["accumulate"] == 3
    assert "accumulate" not in compiled(small()).get_compile_config()


def test_bad_input():
    model = tff.FlowModel(small())
    with pytest.raises(ValueError, match="accumulate must be a whole number of parts above 0"):
        model.compile("adam", accumulate=0)
    optimizer = keras.optimizers.Adam()
    optimizer.gradient_accumulation_steps = 4
    with pytest.raises(tff.InputError, match="accumulate is 2, and the optimizer has"):
        model.compile(optimizer, accumulate=2)
    model.compile("adam", accumulate=1)
