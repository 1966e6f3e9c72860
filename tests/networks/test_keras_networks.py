"""Keras networks as conditioners: seen, trained, frozen, regularised, in mixed precision."""

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from keras_support import (
    compiled,
    conditioner,
    coupling_flow,
    gaussian,
    small,
)

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
pytestmark = pytest.mark.keras


def test_keras_network_as_conditioner_is_seen_and_trained():
    network = keras.Sequential(
        [
            keras.Input([1]),
            keras.layers.Dense(8, "tanh", kernel_regularizer=keras.regularizers.L2(10.0)),
            keras.layers.Dense(2),
        ]
    )
    coupling = tff.bijectors.Coupling(event_shape=2, conditioner=network)
    flow = tff.Flow(tff.flows.standard_normal(2), coupling)
    assert len(flow.trainable_variables) == len(network.trainable_variables) == 4
    assert coupling.conditioner is network
    before = [np.array(w) for w in network.get_weights()]
    model = compiled(flow, rate=0.05)
    model.fit(gaussian(500) / 10, epochs=10, verbose=0)
    after = network.get_weights()
    for old, new in zip(before, after, strict=True):
        assert not np.allclose(old, new)
    # The heavy penalty on the first kernel took effect.
    assert np.abs(after[0]).max() < 0.3 * np.abs(before[0]).max()


def test_frozen_layers_stay():
    network = keras.Sequential(
        [keras.Input([1]), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)]
    )
    network.layers[0].trainable = False
    flow = tff.Flow(
        tff.flows.standard_normal(2),
        tff.bijectors.Coupling(event_shape=2, conditioner=network),
    )
    assert len(flow.trainable_variables) == 2
    frozen = np.array(network.get_weights()[0])
    compiled(flow).fit(gaussian(200) / 10, epochs=2, verbose=0)
    np.testing.assert_array_equal(network.get_weights()[0], frozen)


def test_dropout_follows_the_training_flag():
    network = keras.Sequential(
        [
            keras.Input([1]),
            keras.layers.Dense(64, "tanh"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2),
        ]
    )
    flow = tff.Flow(
        tff.flows.standard_normal(2),
        tff.bijectors.Coupling(event_shape=2, conditioner=network),
    )
    x = gaussian(50) / 10
    np.testing.assert_array_equal(flow.log_prob(x), flow.log_prob(x))
    assert not np.allclose(flow.log_prob(x, training=True), flow.log_prob(x, training=True))
    model = compiled(flow)
    np.testing.assert_allclose(model.predict(x, verbose=0), flow.log_prob(x), rtol=1e-4)
    assert not np.allclose(model(x, training=True), model(x, training=True))


def test_a_conditioner_without_visible_variables_is_refused():
    with pytest.raises(TypeError, match="Keras layer or model or a callable"):
        tff.bijectors.Coupling(event_shape=2, conditioner=lambda x: x)
    wrong = keras.Sequential([keras.Input([1]), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="returns 3 values a row"):
        tff.bijectors.Coupling(event_shape=2, conditioner=wrong)


def test_plain_tfp_network_keeps_its_masks_under_the_optimizer():
    network = tfb.AutoregressiveNetwork(2, event_shape=3, hidden_units=[16], activation="tanh")
    bijector = tff.bijectors.MaskedAutoregressive(event_shape=3, network=network)
    model = compiled(tff.Flow(tff.flows.standard_normal(3), bijector))
    x = np.random.default_rng(0).normal(size=(500, 3)) @ [[2.0, 1, 1], [0, 1, 1], [0, 0, 3]]
    model.fit(x, epochs=3, verbose=0)
    y = tf.constant(x[:4], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(y)
        z, log_det = bijector.inverse_and_log_det(y)
    jacobian = tape.batch_jacobian(z, y)
    assert np.abs(np.triu(jacobian, 1)).max() == 0
    np.testing.assert_allclose(np.linalg.slogdet(jacobian)[1], log_det, rtol=1e-4, atol=1e-5)


def test_one_step_follows_the_gradient_of_weighted_likelihood_and_penalties():
    x = gaussian(64) / 10
    weights = np.random.default_rng(0).uniform(0, 2, 64).astype(np.float32)
    network = conditioner(kernel_regularizer=keras.regularizers.L2(0.5))
    flow = coupling_flow(network)
    variables = flow.trainable_variables
    with tf.GradientTape() as tape:
        nll = -tf.reduce_sum(weights * flow.log_prob(x)) / tf.reduce_sum(weights)
        kernels = [v for v in variables if len(v.shape) == 2]
        first, second = sorted(kernels, key=lambda v: v.shape[1] != 8)
        loss = nll + 0.5 * tf.reduce_sum(first**2) + 0.3 * tf.reduce_sum(second**2)
    expected = [v - 0.1 * g for v, g in zip(variables, tape.gradient(loss, variables), strict=True)]
    model = tff.FlowModel(flow)
    model.compile(keras.optimizers.SGD(0.1))
    # The first, eager use of the network leaves nothing behind.
    model(x, training=True)
    history = model.fit(x, sample_weight=weights, batch_size=64, verbose=0).history
    assert history["loss"][0] == pytest.approx(float(nll), rel=1e-4)
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-3, atol=1e-5)


def test_activity_regularisers_work():
    network = conditioner(activity_regularizer=keras.regularizers.L2(0.1))
    model = compiled(coupling_flow(network))
    losses = model.fit(gaussian(300) / 10, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    ("name", "compute"),
    [
        ("maf", "bfloat16"),
        pytest.param("realnvp", "float16", marks=pytest.mark.deep),
        pytest.param("maf", "float16", marks=pytest.mark.deep),
        pytest.param("realnvp", "bfloat16", marks=pytest.mark.deep),
    ],
)
def test_mixed_precision_networks(name, compute):
    x = gaussian(1000)
    flow = small(name, compute_dtype=compute)
    assert {v.dtype for v in flow.trainable_variables} == {tf.float32}
    model = compiled(flow)
    losses = model.fit(x, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.1
    assert flow.log_prob(x).dtype == tf.float32
    # Value and log-det come from the same parameters, so the density stays exact.
    z, log_det = flow.bijector.inverse_and_log_det(x[:5])
    back, forward = flow.bijector.forward_and_log_det(z)
    if name == "realnvp":
        np.testing.assert_allclose(back, x[:5], rtol=1e-4)
        np.testing.assert_allclose(forward, -log_det, atol=1e-4)


def test_loss_scaling_optimizer():
    x = gaussian(300)
    outer = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.Adam(1e-2))
    model = tff.FlowModel(small())
    model.compile(outer, jit_compile=False)
    losses = model.fit(x, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_global_mixed_policy_leaves_densities_in_full_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        flow = rows.flow("realnvp", event_shape=2)
        x = gaussian(50) / 10
        np.testing.assert_allclose(
            tff.FlowModel(flow).predict(x, verbose=0), flow.log_prob(x), rtol=1e-4
        )
        network = keras.Sequential(
            [keras.Input([1]), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)]
        )
        coupling = tff.bijectors.Coupling(event_shape=2, conditioner=network)
        assert coupling.forward(x).dtype == tf.float32
    finally:
        keras.mixed_precision.set_global_policy("float32")
