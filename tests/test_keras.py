"""FlowModel and FlowLayer, in whichever Keras `tf.keras` is."""

import warnings

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.models.data import array_dataset
from tfp_flows.models.tracking import KERAS3

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
pytestmark = pytest.mark.keras

COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
MEAN = np.array([30.0, -5.0])


def gaussian(n, seed=0):
    generator = np.random.default_rng(seed)
    return generator.multivariate_normal(MEAN, COVARIANCE, n).astype(np.float32)


def small(name="maf", **options):
    options = {"event_shape": 2, "hidden_units": [8], "num_layers": 2, "seed": 0, **options}
    return tff.flows.get(name)(**options)


def compiled(flow, rate=1e-2, **options):
    model = tff.FlowModel(flow)
    model.compile(keras.optimizers.Adam(rate), **options)
    return model


def true_log_prob(x):
    distribution = tfd.MultivariateNormalFullCovariance(MEAN, COVARIANCE)
    return distribution.log_prob(x.astype(np.float64)).numpy()


def test_fit_learns_a_density_that_is_known():
    x, held_out = gaussian(4000), gaussian(2000, seed=1)
    model = compiled(small("maf"))
    history = model.fit(x, epochs=20, verbose=0, validation_data=held_out).history
    assert set(history) == {"loss", "bits_per_dim", "val_loss", "val_bits_per_dim"}
    estimate = model.predict(held_out, verbose=0)
    assert estimate.shape == (2000,)
    np.testing.assert_allclose(np.mean(estimate), np.mean(true_log_prob(held_out)), atol=0.03)
    assert np.abs(estimate - true_log_prob(held_out)).mean() < 0.15
    samples = model.flow.sample(20_000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(samples.mean(axis=0), MEAN, atol=0.1)
    np.testing.assert_allclose(np.cov(samples.T), COVARIANCE, rtol=0.25)


def test_a_plain_model_around_a_flow_of_tfp_trains_nothing_in_keras_3():
    if not KERAS3:
        return
    flow = tfd.TransformedDistribution(
        tff.flows.standard_normal(2),
        tfb.MaskedAutoregressiveFlow(tfb.AutoregressiveNetwork(2, event_shape=2, hidden_units=[8])),
    )

    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.flow = flow

        def call(self, x):
            return self.flow.log_prob(x)

    assert len(Plain().trainable_variables) == 0
    ours = tff.FlowModel(small())
    assert len(ours.trainable_variables) == len(ours.flow.trainable_variables) == 8


def test_reported_figures_are_those_of_the_flow():
    x = gaussian(1003)
    model = compiled(small(), rate=0.0)
    history = model.fit(x, epochs=1, verbose=0, batch_size=100).history
    # The last, partial batch of 3 rows counts as 3 rows.
    loss = -np.mean(model.flow.log_prob(x))
    assert history["loss"][0] == pytest.approx(loss, rel=1e-5)
    assert history["bits_per_dim"][0] == pytest.approx(loss / (2 * np.log(2)), rel=1e-5)
    result = model.evaluate(x, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(loss, rel=1e-5)
    assert sorted(model.evaluate(x, verbose=0)) == pytest.approx(sorted(result.values()))
    np.testing.assert_allclose(model.predict(x, verbose=0), model.flow.log_prob(x), rtol=1e-4)
    np.testing.assert_allclose(model(x[:5]), model.flow.log_prob(x[:5]), rtol=1e-5)


def test_the_flow_that_was_given_is_trained_and_standardised():
    flow, x = small(), gaussian(500)
    assert flow.bijector.needs_adapt
    before = flow.log_prob(x).numpy().mean()
    compiled(flow).fit(x, epochs=2, verbose=0)
    assert not flow.bijector.needs_adapt
    assert flow.log_prob(x).numpy().mean() > before + 10
    standardiser = flow.bijector.bijectors[0]
    z = standardiser.inverse(x)
    np.testing.assert_allclose(np.mean(z, axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.std(z, axis=0), 1, atol=1e-3)


def test_a_second_fit_keeps_the_standardiser():
    flow = small()
    model = compiled(flow)
    model.fit(gaussian(200), verbose=0)
    before = [v.numpy() for v in flow.bijector.bijectors[0].variables]
    model.fit(gaussian(200) + 100.0, verbose=0)
    for variable, value in zip(flow.bijector.bijectors[0].variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def context_data(n=600, seed=0):
    generator = np.random.default_rng(seed)
    context = generator.uniform(-1, 1, (n, 1)).astype(np.float32)
    noise = generator.normal(size=(n, 2)).astype(np.float32)
    return context * [3.0, -3.0] + 0.3 * noise, context


@pytest.mark.parametrize("form", ["keyword", "second", "y", "pair", "dataset"])
def test_context_in_every_form(form):
    x, context = context_data()
    model = compiled(small("realnvp", context_shape=1))
    options = {"epochs": 12, "verbose": 0}
    if form == "keyword":
        model.fit(x, context=context, **options)
    elif form == "second":
        model.fit(x, context, **options)
    elif form == "y":
        model.fit(x, y=context, **options)
    elif form == "pair":
        model.fit((x, context), validation_data=(x, context), **options)
    else:
        data = tf.data.Dataset.from_tensor_slices((x.astype(np.float32), context)).batch(128)
        model.fit(data, validation_data=data, **options)
    # Without the context the best possible loss is far higher.
    unconditional = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.cov(x.T))[1]
    assert model.evaluate(x, context, verbose=0, return_dict=True)["loss"] < unconditional - 0.2
    np.testing.assert_allclose(
        model.predict((x, context), verbose=0), model.flow.log_prob(x, context), rtol=1e-3
    )


def test_streams_of_other_dtypes_and_iterators():
    x, context = context_data()
    model = compiled(small("realnvp", context_shape=1))
    wide = tf.data.Dataset.from_tensor_slices((x.astype(np.float64), context.astype(np.float64)))
    history = model.fit(wide.batch(100), verbose=0, epochs=2).history
    assert history["loss"][1] < history["loss"][0]
    assert model.predict(wide.batch(100), verbose=0).shape == (600,)

    def batches():
        while True:
            yield x[:100].astype(np.float32), context[:100]

    fresh = compiled(small("realnvp", context_shape=1))
    with pytest.raises(ValueError, match="An iterator can be read only once"):
        fresh.fit(batches(), steps_per_epoch=3, verbose=0)
    fresh.flow.adapt(x, context)
    assert len(fresh.fit(batches(), steps_per_epoch=3, verbose=0).history["loss"]) == 1
    with pytest.raises(ValueError, match="carries its context"):
        fresh.fit(wide.batch(100), context=context, verbose=0)


def test_sample_weights_weigh():
    x = np.concatenate([gaussian(300), gaussian(300) + 40.0])
    weights = np.repeat([1.0, 0.0], 300)
    model = compiled(small(), rate=0.0)
    model.fit(x, epochs=1, verbose=0)
    history = model.fit(x, sample_weight=weights, verbose=0).history
    assert history["loss"][0] == pytest.approx(-np.mean(model.flow.log_prob(x[:300])), rel=1e-4)


def test_validation_split_holds_the_last_rows_out():
    x = np.concatenate([gaussian(900), gaussian(100) + 7.0])
    model = compiled(small(), rate=0.0)
    history = model.fit(x, verbose=0, validation_split=0.1).history
    assert history["val_loss"][0] == pytest.approx(-np.mean(model.flow.log_prob(x[900:])), rel=1e-4)
    # The standardiser has not seen them.
    shift = model.flow.bijector.bijectors[0].variables
    means = [v.numpy() for v in shift if v.name.startswith("shift")]
    np.testing.assert_allclose(means[0], x[:900].mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"jit_compile": False},
        {"run_eagerly": True},
        {"steps_per_execution": 4},
        {"jit_compile": True},
    ],
    ids=str,
)
def test_ways_to_compile_agree(options):
    x = gaussian(256)
    losses = []
    for chosen in ({"jit_compile": False}, options):
        model = compiled(small(), **chosen)
        losses.append(
            model.fit(x, epochs=3, verbose=0, batch_size=64, shuffle=False).history["loss"]
        )
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


def test_float64_is_kept_through_fit_and_predict():
    x = gaussian(300).astype(np.float64) + 1e7
    model = compiled(small("realnvp", dtype="float64"))
    model.fit(x, epochs=2, verbose=0)
    prediction = model.predict(x, verbose=0)
    assert prediction.dtype == np.float64
    np.testing.assert_allclose(prediction, model.flow.log_prob(x), rtol=1e-12)


@pytest.mark.parametrize("compute", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", ["maf", "realnvp"])
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


def test_summary_counts_the_parameters(capsys):
    flow = small("realnvp")
    model = tff.FlowModel(flow)
    trainable = sum(int(np.prod(v.shape)) for v in flow.trainable_variables)
    total = sum(int(np.prod(v.shape)) for v in flow.variables)
    assert trainable == 2 * (1 * 8 + 8 + 8 * 2 + 2)
    assert model.count_params() == total
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    assert f"Trainable params: {trainable}" in text
    assert f"Non-trainable params: {total - trainable}" in text


def test_a_model_with_nothing_to_train_refuses_to_fit():
    fixed = tff.Flow(tff.flows.standard_normal(2), tff.bijectors.Permutation(event_shape=2))
    model = tff.FlowModel(fixed)
    model.compile("adam")
    with pytest.raises(ValueError, match="no trainable variables"):
        model.fit(gaussian(10), verbose=0)


def test_bad_data_is_refused_in_one_sentence():
    model = compiled(small())
    x = gaussian(20)
    with pytest.raises(ValueError, match=r"x has shape \(20, 3\), expected \[n, 2\]"):
        model.fit(np.zeros((20, 3)), verbose=0)
    with pytest.raises(ValueError, match="takes no context"):
        model.fit(x, np.zeros((20, 1)), verbose=0)
    with pytest.raises(ValueError, match="needs a context"):
        compiled(small(context_shape=1)).fit(x, verbose=0)
    with pytest.raises(ValueError, match=r"x has 20 rows, but its context or weights 19"):
        compiled(small(context_shape=1)).fit(x, np.zeros((19, 1)), verbose=0)
    broken = x.copy()
    broken[7, 1] = np.nan
    with pytest.raises(ValueError, match=r"1 NaN or infinite values, the first at index \(7, 1\)"):
        model.fit(broken, verbose=0)
    with pytest.raises(ValueError, match="x must be an array of numbers"):
        model.fit([["a", "b"]], verbose=0)
    with pytest.raises(ValueError, match="leaves no training or validation rows"):
        model.fit(x, validation_split=1.5, verbose=0)
    with pytest.raises(TypeError, match="epoch"):
        model.fit(x, epoch=3, verbose=0)
    with pytest.raises(TypeError, match="optimiser"):
        model.compile(optimiser="adam")
    with pytest.raises(ValueError, match="batch_size is for arrays"):
        model.fit(tf.data.Dataset.from_tensors(x), batch_size=3, verbose=0)
    with pytest.raises(TypeError, match="needs a tfp_flows Flow"):
        tff.FlowModel(tff.flows.standard_normal(2))


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


def test_batch_normalised_flow_trains_and_evaluates_with_moving_statistics():
    x = gaussian(1000)
    flow = small("maf", normalization="batch")
    model = compiled(flow)
    model.fit(x, epochs=8, verbose=0)
    moving = [v for v in flow.variables if "moving_mean" in v.name]
    before = [v.numpy() for v in moving]
    assert any(np.abs(value).max() > 0 for value in before)
    first = model.evaluate(x, verbose=0, return_dict=True)["loss"]
    # Evaluation neither changes the statistics nor depends on the batch.
    assert model.evaluate(x, verbose=0, return_dict=True, batch_size=7)["loss"] == pytest.approx(
        first, rel=1e-4
    )
    for variable, value in zip(moving, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert first == pytest.approx(-np.mean(true_log_prob(x)), abs=0.15)


def test_callbacks_and_early_stopping_restore_the_best_weights():
    x = gaussian(200)
    model = compiled(small(), rate=0.3)
    stop = keras.callbacks.EarlyStopping(
        "val_loss", patience=3, restore_best_weights=True, mode="min"
    )
    history = model.fit(
        x, epochs=40, verbose=0, validation_data=gaussian(200, seed=1), callbacks=[stop]
    ).history
    best = model.evaluate(gaussian(200, seed=1), verbose=0, return_dict=True)["loss"]
    assert best == pytest.approx(min(history["val_loss"]), rel=1e-4)


def test_own_loss():
    x = gaussian(300)
    model = tff.FlowModel(small())
    model.compile("adam", loss=lambda x, log_prob: -2.0 * log_prob)
    result = model.evaluate(x, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(-2 * np.mean(model.flow.log_prob(x)), rel=1e-4)
    with pytest.raises(TypeError, match="loss must be a function"):
        model.compile("adam", loss="mse")


def test_saved_model_goes_on_training_with_its_optimizer(tmp_path):
    x = gaussian(300)
    model = compiled(small(), rate=0.02)
    model.fit(x, epochs=2, verbose=0, shuffle=False)
    model.save(tmp_path / "m.keras")
    loaded = tff.load(tmp_path / "m.keras")
    for one in (model, loaded):
        one.fit(x, epochs=2, verbose=0, shuffle=False)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), loaded.predict(x, verbose=0), rtol=1e-4, atol=1e-4
    )
    assert int(loaded.optimizer.iterations) == 4 * 3


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


def conditioner(**options):
    return keras.Sequential(
        [
            keras.Input([1]),
            keras.layers.Dense(8, "tanh", **options),
            keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.3)),
        ]
    )


def coupling_flow(network):
    coupling = tff.bijectors.Coupling(event_shape=2, conditioner=network)
    return tff.Flow(tff.flows.standard_normal(2), coupling)


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


def test_training_before_adapting_warns():
    model = compiled(small())
    with pytest.warns(UserWarning, match="before its standardiser"):
        model.train_on_batch(gaussian(10))


def test_weights_in_evaluation_and_validation():
    x, weights = gaussian(400), np.repeat([1.0, 0.0], 200)
    x[200:] += 50.0
    model = compiled(small(), rate=0.0)
    model.fit(gaussian(100), verbose=0)
    loss = -np.mean(model.flow.log_prob(x[:200]))
    result = model.evaluate(x, sample_weight=weights, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(loss, rel=1e-4)
    history = model.fit(gaussian(100), validation_data=(x, None, weights), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(loss, rel=1e-4)
    with pytest.raises(TypeError, match="no classes to weigh"):
        model.fit(x, class_weight={0: 1.0}, verbose=0)


def test_validation_split_keeps_rows_and_contexts_together():
    x, context = context_data(500)
    context = np.random.default_rng(3).normal(size=context.shape)
    model = compiled(small("realnvp", context_shape=1), rate=0.0)
    rows.randomise(model.flow)
    history = model.fit(x, context, validation_split=0.2, verbose=0).history
    expected = -np.mean(model.flow.log_prob(x[400:], context[400:]))
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    expected = -np.mean(model.flow.log_prob(x[:400], context[:400]))
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_rows_are_shuffled_anew_at_each_epoch():
    x = np.arange(100.0)[:, None]

    def passes(shuffle):
        data = array_dataset((x, x + 0.5), 7, shuffle)
        for _ in range(2):
            batches = list(data.as_numpy_iterator())
            assert [len(batch[0]) for batch in batches] == [7] * 14 + [2]
            first, second = (np.concatenate(part) for part in zip(*batches, strict=True))
            np.testing.assert_array_equal(second, first + 0.5)
            yield first

    one, two = passes(shuffle=False)
    np.testing.assert_array_equal(one, x)
    np.testing.assert_array_equal(two, x)
    one, two = passes(shuffle=True)
    np.testing.assert_array_equal(np.sort(one, axis=0), x)
    assert not np.array_equal(one, x)
    assert not np.array_equal(one, two)


def test_sequences_of_batches():
    x, context = context_data(60)
    base = keras.utils.PyDataset if KERAS3 else keras.utils.Sequence

    class Batches(base):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            part = slice(20 * i, 20 * i + 20)
            return x[part].astype(np.float32), context[part]

    model = compiled(small("realnvp", context_shape=1))
    assert len(model.fit(Batches(), epochs=2, verbose=0).history["loss"]) == 2
    with pytest.raises(ValueError, match="got a dict"):
        compiled(small()).fit(tf.data.Dataset.from_tensors({"x": x}), verbose=0)


def test_checkpoints_and_moving_averages_of_keras(tmp_path):
    x = gaussian(300)
    model = tff.FlowModel(small())
    model.compile(keras.optimizers.AdamW(1e-2, use_ema=True, ema_momentum=0.9))
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.keras"), monitor="val_loss", mode="min", save_best_only=True
    )
    history = model.fit(
        x, epochs=4, verbose=0, validation_data=gaussian(100, seed=1), callbacks=[best]
    ).history
    loaded = tff.load(tmp_path / "best.keras")
    result = loaded.evaluate(gaussian(100, seed=1), verbose=0, return_dict=True)["loss"]
    assert result == pytest.approx(min(history["val_loss"]), rel=1e-4)
