"""FlowModel, in whichever Keras `tf.keras` is."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from keras_support import (
    COVARIANCE,
    MEAN,
    compiled,
    context_data,
    gaussian,
    small,
    true_log_prob,
)

import tfp_flows as tff
from tfp_flows.keras_worlds import KERAS3

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
pytestmark = pytest.mark.keras


@pytest.mark.xla
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
    assert len(ours.trainable_variables) == len(ours.flow.trainable_variables) == 4


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


@pytest.mark.deep
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


@pytest.mark.deep
def test_a_second_fit_keeps_the_standardiser():
    flow = small()
    model = compiled(flow)
    model.fit(gaussian(200), verbose=0)
    before = [v.numpy() for v in flow.bijector.bijectors[0].variables]
    model.fit(gaussian(200) + 100.0, verbose=0)
    for variable, value in zip(flow.bijector.bijectors[0].variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


@pytest.mark.xla
@pytest.mark.parametrize(
    "options",
    [
        {"run_eagerly": True},
        pytest.param({"steps_per_execution": 4}, marks=pytest.mark.deep),
        pytest.param({"jit_compile": False}, marks=pytest.mark.deep),
        pytest.param({"jit_compile": True}, marks=pytest.mark.deep),
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


@pytest.mark.keras(quick=True)
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


@pytest.mark.deep
def test_batch_normalised_flow_trains_and_evaluates_with_moving_statistics():
    x = gaussian(1000)
    flow = small("maf", normalization="batch", num_layers=2)
    model = compiled(flow)
    model.fit(x, epochs=20, verbose=0)
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


@pytest.mark.deep
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


def test_own_loss_sees_the_context_and_the_model():
    x, context = context_data(50)
    model = tff.FlowModel(small(context_shape=1))

    def loss(x, log_prob, *, context, model):
        return model.flow.log_prob(x, context + 1.0) - log_prob

    model.compile("adam", loss=loss, jit_compile=False)
    result = model.evaluate(x, context, verbose=0, return_dict=True)["loss"]
    shifted = model.flow.log_prob(x, context + 1.0) - model.flow.log_prob(x, context)
    assert result == pytest.approx(np.mean(shifted), rel=1e-3, abs=1e-5)


@pytest.mark.keras(quick=True)
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


def test_training_before_adapting_warns():
    model = compiled(small())
    with pytest.warns(UserWarning, match="before its standardiser"):
        model.train_on_batch(gaussian(10))


@pytest.mark.deep
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
