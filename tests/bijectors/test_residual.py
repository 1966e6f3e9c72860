"""What is particular to residual flows: the contraction, the estimate, the iteration."""

import numpy as np
import pytest
import tensorflow as tf
from rows import randomise

import tfp_flows as tff
from tfp_flows.networks.lipschitz import spectral_bound

B = tff.bijectors


@pytest.mark.parametrize("shape", [(64, 64), (2, 50), (50, 2), (1, 1), (128, 100)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_spectral_bound_is_above_the_norm_and_close(shape, scale):
    generator = np.random.default_rng(0)
    for matrix in (generator.normal(size=shape), np.ones(shape), np.eye(*shape)):
        norm = np.linalg.norm(scale * matrix, 2)
        bound = float(spectral_bound(tf.constant(scale * matrix, tf.float32)))
        assert norm * (1 - 1e-5) <= bound <= 1.03 * norm


def test_the_network_is_a_contraction_whatever_its_weights():
    network = tff.networks.LipschitzMLP(
        input_size=4, output_size=4, hidden_units=[16, 16], lipschitz=0.9, seed=0
    )
    randomise(network, scale=5.0)
    generator = np.random.default_rng(1)
    x = generator.normal(size=(2000, 4)).astype(np.float32)
    y = x + generator.normal(size=x.shape).astype(np.float32) * 10.0 ** generator.uniform(-2, 1)
    moved = np.linalg.norm(network(x) - network(y), axis=1)
    assert (moved <= 0.9001 * np.linalg.norm(x - y, axis=1)).all()
    assert moved.max() > 0


def roulette():
    flow = B.Residual(event_shape=3, hidden_units=[8], log_det="roulette", dtype=tf.float64, seed=1)
    return randomise(flow, scale=0.5)


@pytest.mark.slow
def test_the_estimate_and_its_gradient_have_no_bias():
    flow = roulette()
    rows = np.random.default_rng(2).normal(size=(2, 3))
    y = tf.constant(np.repeat(rows, 10_000, axis=0))
    variables = flow.trainable_variables

    def measured(training):
        with tf.GradientTape() as tape:
            tape.watch(y)
            log_det = flow.inverse_and_log_det(y, training=training)[1]
            mean = tf.reduce_mean(log_det)
        gradients = tape.gradient(mean, [y, *variables], unconnected_gradients="zero")
        of_rows = tf.reduce_sum(tf.reshape(gradients[0], [2, -1, 3]), axis=1)
        means = tf.reduce_mean(tf.reshape(log_det, [2, -1]), axis=1)
        return tf.concat([tf.reshape(v, [-1]) for v in (means, of_rows, *gradients[1:])], axis=0)

    compiled = tf.function(measured)
    expected = compiled(False).numpy()
    draws = np.array([compiled(True).numpy() for _ in range(40)])
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - expected) <= 5 * error + 1e-9).all()
    assert error.max() > 0


def test_evaluation_is_exact_and_the_same_each_time():
    flow = roulette()
    y = np.random.default_rng(3).normal(size=(4, 3))
    once, again = (flow.inverse_and_log_det(y)[1] for _ in range(2))
    np.testing.assert_array_equal(once, again)
    exact = B.Residual(event_shape=3, hidden_units=[8], log_det="exact", dtype=tf.float64, seed=1)
    randomise(exact, scale=0.5)
    np.testing.assert_array_equal(once, exact.inverse_and_log_det(y)[1])
    trained = flow.inverse_and_log_det(y, training=True)[1]
    assert np.abs(trained - once).max() > 1e-6


def test_an_iteration_that_does_not_come_to_rest_says_so():
    flow = B.Residual(event_shape=2, max_iterations=2, name="restless", seed=0)
    randomise(flow, scale=0.5)
    x = np.ones((2, 2), np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"restless: .* at tolerance"):
        flow.forward_and_log_det(x)
    y, _ = tf.function(flow.forward_and_log_det, jit_compile=True)(tf.constant(x))
    assert np.isnan(y).all()


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
def test_gradients_of_samples_do_not_depend_on_the_scale_of_the_loss(scale):
    flow = randomise(B.Residual(event_shape=3, hidden_units=[8], dtype=tf.float64, seed=1))
    x = tf.constant(np.random.default_rng(4).normal(size=(4, 3)))

    def gradients(scale):
        with tf.GradientTape() as tape:
            loss = scale * tf.reduce_sum(tf.sin(flow.forward(x)))
        return tape.gradient(loss, flow.trainable_variables)

    for one, other in zip(gradients(1.0), gradients(scale), strict=True):
        np.testing.assert_allclose(other / scale, one, rtol=1e-9, atol=1e-12)


def test_large_values_come_to_rest_within_their_rounding():
    flow = randomise(B.Residual(event_shape=2, hidden_units=[8], seed=0))
    biases = [v for v in flow.trainable_variables if v.name.startswith("bias")]
    biases[-1].assign_add([100.0, -100.0])
    x = np.float32([[100.0, 99.0], [101.0, -100.0]])
    y = flow.forward(x)
    np.testing.assert_allclose(flow.inverse(y), x, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lipschitz": 1.0}, "between 0 and 1"),
        ({"log_det": "rulette"}, "did you mean 'roulette'"),
        ({"tolerance": -1.0}, "must be positive"),
        ({"event_shape": (2, 2)}, "needs a vector"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        B.Residual(**{"event_shape": 2, **options})
