"""FlowLayer inside larger Keras models."""

import warnings

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from keras_support import (
    conditioner,
    context_data,
    coupling_flow,
    gaussian,
    small,
)

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
pytestmark = pytest.mark.keras


@pytest.mark.deep
def test_layer_in_a_classifier_trains_end_to_end(tmp_path):
    x, labels = tff.datasets.two_moons(800, seed=0), None
    labels = (x[:, 1] > np.median(x[:, 1])).astype(np.float32)
    flow = tff.flows.realnvp(event_shape=2, num_layers=2, hidden_units=[16], seed=0)
    inputs = keras.Input([2])
    latent = tff.FlowLayer(flow, output="latent", nll_weight=0.1)
    features = latent(inputs)
    density = tff.FlowLayer(small())
    joined = keras.layers.Concatenate()([features, density(inputs)])
    hidden = keras.layers.Dense(16, activation="relu")(joined)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    latent.adapt(x)
    density.adapt(x)
    before = [v.numpy() for v in flow.trainable_variables]
    flow_size = sum(int(np.prod(v.shape)) for v in flow.trainable_variables)
    assert latent.count_params() - 5 == flow_size
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        history = model.fit(x, labels, epochs=10, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    for variable, value in zip(flow.trainable_variables, before, strict=True):
        assert not np.allclose(variable, value), variable.name
    model.save(tmp_path / "classifier.keras")
    loaded = tff.load(tmp_path / "classifier.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.deep
def test_layer_with_context_and_outputs():
    flow = rows.flow("maf", event_shape=2, context_shape=1)
    x, context = context_data(6)
    x = x.astype(np.float32)
    inputs, contexts = keras.Input([2]), keras.Input([1])
    density = keras.Model([inputs, contexts], tff.FlowLayer(flow)(inputs, context=contexts))
    assert density.output_shape == (None, 1)
    np.testing.assert_allclose(
        density.predict([x, context], verbose=0)[:, 0], flow.log_prob(x, context), rtol=1e-4
    )
    density.compile("adam", loss=lambda _, log_prob: -log_prob)
    before = flow.trainable_variables[0].numpy()
    density.fit([x, context], x, verbose=0)
    assert not np.allclose(before, flow.trainable_variables[0])
    with pytest.raises(ValueError, match="output must be one of"):
        tff.FlowLayer(flow, output="density")
    frozen = tff.FlowLayer(rows.flow("maf", event_shape=2), trainable=False)
    assert not frozen.trainable_variables


def test_layer_adds_the_penalties_and_the_likelihood_to_the_model():
    flow, x = coupling_flow(conditioner()), gaussian(20) / 10
    layer = tff.FlowLayer(flow, nll_weight=0.7)
    layer(x, training=True)
    nll = -0.7 * np.mean(flow.log_prob(x))
    kernel = next(v for v in flow.trainable_variables if v.shape == (8, 2))
    penalty = 0.3 * np.sum(np.square(kernel))
    assert sorted(float(loss) for loss in layer.losses) == pytest.approx(
        sorted([nll, penalty]), rel=1e-4
    )


def test_frozen_layers_of_flows_stay_frozen_after_loading(tmp_path):
    inputs = keras.Input([2])
    flow = small("realnvp", standardize=False)
    outputs = keras.layers.Dense(1)(tff.FlowLayer(flow, trainable=False)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.keras")
    for one in (model, tff.load(tmp_path / "m.keras")):
        assert len(one.trainable_variables) == 2
        layer = next(item for item in one.layers if isinstance(item, tff.FlowLayer))
        before = [v.numpy() for v in layer.flow.variables]
        one.fit(gaussian(50), np.ones(50), verbose=0)
        for variable, value in zip(layer.flow.variables, before, strict=True):
            np.testing.assert_array_equal(variable, value)
    frozen = tff.FlowModel(small())
    frozen.trainable = False
    frozen.save(tmp_path / "f.keras")
    assert not tff.load(tmp_path / "f.keras").trainable_variables


@pytest.mark.parametrize("trainable", [True, False])
def test_layer_passes_the_training_flag_unless_frozen(trainable):
    norm = tff.bijectors.BatchNorm(event_shape=2)
    norm.adapt(gaussian(100))
    flow = tff.Flow(tff.flows.standard_normal(2), norm)
    layer = tff.FlowLayer(flow, trainable=trainable)
    mean = next(v for v in norm.variables if "moving_mean" in v.name)
    before = mean.numpy()
    layer(gaussian(50) + 9.0, training=False)
    np.testing.assert_array_equal(mean, before)
    layer(gaussian(50) + 9.0, training=True)
    assert np.allclose(mean, before) != trainable


@pytest.mark.keras(quick=True)
def test_two_layers_on_one_flow_train_it_once():
    flow, x = small("realnvp", standardize=False), gaussian(32) / 10
    inputs = keras.Input([2])
    latent = tff.FlowLayer(flow, output="latent")(inputs)
    density = tff.FlowLayer(flow)(inputs)
    model = keras.Model(inputs, keras.layers.Concatenate()([latent, density]))
    assert len(model.trainable_variables) == len(flow.trainable_variables)
    model.compile(keras.optimizers.SGD(0.01), loss=lambda _, y: tf.reduce_sum(y, axis=-1))
    variables = flow.trainable_variables
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(flow.to_latent(x), axis=-1) + flow.log_prob(x)
        loss = tf.reduce_mean(total)
    gradients = tape.gradient(loss, variables)
    before = [v.numpy() for v in variables]
    model.fit(x, np.zeros((32, 3)), batch_size=32, verbose=0)
    for variable, value, gradient in zip(variables, before, gradients, strict=True):
        np.testing.assert_allclose(variable, value - 0.01 * gradient, rtol=1e-3, atol=1e-6)


def test_layer_keeps_batch_axes():
    flow = small("realnvp")
    x = gaussian(15).reshape(3, 5, 2)
    assert tff.FlowLayer(flow)(x).shape == (3, 5, 1)
    assert tff.FlowLayer(flow, output="latent")(x).shape == (3, 5, 2)
