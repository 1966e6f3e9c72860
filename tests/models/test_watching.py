"""What `fit` does about callbacks, and about a training that diverges."""

import os
import warnings

import numpy as np
import pytest
import tensorflow as tf
from depth import quick
from keras_support import compiled, gaussian, small

import tfp_flows as tff
from tfp_flows.keras_worlds import KERAS3, steps_per_execution
from tfp_flows.models import EachCall, ResumableTraining
from tfp_flows.models.watching import check_strategy, needs_every_step

keras = tf.keras
pytestmark = [pytest.mark.keras, pytest.mark.xla]
X = gaussian(200)


class At(keras.callbacks.Callback):
    """Does something before a step of an epoch, and counts what it sees."""

    def __init__(self, epoch=0, batch=0, action=lambda model: None):
        super().__init__()
        self.at, self.action, self.seen = (epoch, batch), action, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self.seen += 1
        if (self.epoch, batch) == self.at:
            self.action(self.model)


def spoil(model):
    model.set_weights([w * np.nan if w.dtype.kind == "f" else w for w in model.get_weights()])


def kill(model):
    raise KeyboardInterrupt


def stop(model):
    model.stop_training = True


def fit(model, *callbacks, **options):
    options = {"batch_size": 20, "verbose": 0, "epochs": 3, **options}
    return model.fit(X, callbacks=list(callbacks), **options).history


def weights_of(model):
    return [w.copy() for w in model.get_weights()]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("options", quick([{}, {"jit_compile": False}], "{}"))
def test_a_training_that_diverges_is_stopped_and_taken_back(options):
    model, kept = compiled(small(), **options), []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(weights_of(self.model))

    with pytest.warns(UserWarning, match="step 4 of epoch 3 is not finite, and the weights are th"):
        history = fit(model, At(2, 3, spoil), Keep(), epochs=9, validation_data=X[:40])
    assert len(history["loss"]) == 3
    assert not np.isfinite(history["loss"][2])
    best = int(np.argmin(history["val_loss"][:2]))
    assert_same(weights_of(model), kept[best])
    # Its moments are no longer NaN either.
    assert np.all(np.isfinite(fit(model)["loss"]))


def test_the_step_is_found_within_a_call_of_several():
    model = compiled(small(), steps_per_execution=8)
    x = X.copy()
    x[70] = np.nan
    stream = tf.data.Dataset.from_tensor_slices(x).batch(20)
    model.flow.adapt(X)
    before = weights_of(model)
    with pytest.warns(UserWarning, match="step 4 of epoch 1 .* from before the training"):
        model.fit(stream, verbose=0)
    assert_same(weights_of(model), before)


def test_best_weights_of_the_resumable_training_come_back():
    training, model = ResumableTraining(), compiled(small())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, training, At(2, 3, spoil), epochs=9, validation_data=X[:40])
    assert training.stopped
    assert training.epoch == 3
    assert training.best_epoch in (1, 2)
    assert "step 4 of epoch 3" in training.diverged
    assert -np.mean(model.flow.log_prob(X[:40])) == pytest.approx(training.best, rel=1e-4)


def test_callbacks_of_single_steps_see_each_and_stop_at_once():
    model = compiled(small())
    seen = At()
    fit(model, seen, epochs=2)
    assert seen.seen == 20
    fit(model, At(0, 3, stop), epochs=2)
    assert int(model.optimizer.iterations.numpy()) == 24
    # Without them a call runs many steps.
    fit(model, epochs=1)
    assert steps_per_execution(model) == 10


def test_which_callbacks_act_on_steps(tmp_path):
    class Epochs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pass

    class Mine(keras.callbacks.ModelCheckpoint):
        pass

    class Calls(EachCall):
        def on_train_batch_end(self, batch, logs=None):
            pass

    path = str(tmp_path / "a.keras")
    hook = "on_train_batch_end" if KERAS3 else "on_batch_end"
    callbacks = keras.callbacks
    many = [
        *(Epochs(), Calls(), ResumableTraining(), tff.models.WarmUpCosine(1.0, epochs=1)),
        *(callbacks.EarlyStopping("loss"), callbacks.CSVLogger(path), callbacks.TerminateOnNaN()),
        *(callbacks.ReduceLROnPlateau("loss"), callbacks.LearningRateScheduler(lambda e, r: r)),
        *(callbacks.ModelCheckpoint(path), Mine(path), callbacks.History()),
        *(callbacks.LambdaCallback(on_epoch_end=print), callbacks.BackupAndRestore(str(tmp_path))),
    ]
    assert [type(c).__name__ for c in many if needs_every_step([c])] == []
    single = [
        *(At(), callbacks.ModelCheckpoint(path, save_freq=7), Mine(path, save_freq=7)),
        callbacks.BackupAndRestore(str(tmp_path), save_freq=3),
        callbacks.LambdaCallback(**{hook: print}),
    ]
    assert all(needs_every_step([c]) for c in single)


@pytest.mark.parametrize("freq", [pytest.param("epoch", marks=pytest.mark.deep), 3])
def test_backup_and_restore_goes_on_to_the_same_weights(tmp_path, freq):
    def run(*callbacks):
        tf.random.set_seed(5)
        model = compiled(small())
        fit(model, *callbacks)
        return weights_of(model)

    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"), save_freq=freq)

    # Keras 3 begins the epoch anew with weights from its middle; tf_keras goes on in the middle.
    batch = 0 if KERAS3 else 5
    with pytest.raises(KeyboardInterrupt):
        run(backup(), At(1, batch, kill))
    found = run(backup())
    if KERAS3 and freq == 3:
        assert all(np.all(np.isfinite(w)) for w in found)
    else:
        assert_same(found, run(At()))


@pytest.mark.deep
def test_a_later_fit_does_not_begin_where_a_backup_was(tmp_path):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)
    fit(compiled(small()), backup, epochs=2)
    model = compiled(small())
    fit(model, keras.callbacks.BackupAndRestore(str(tmp_path)), epochs=3)
    assert len(fit(model, epochs=2)["loss"]) == 2


def test_checkpoints_can_be_loaded_or_are_refused(tmp_path):
    model = compiled(small())
    path = str(tmp_path / "{epoch}.keras")
    fit(model, keras.callbacks.ModelCheckpoint(path), epochs=1)
    np.testing.assert_allclose(
        tff.load(tmp_path / "1.keras").flow.log_prob(X), model.flow.log_prob(X), rtol=1e-6
    )
    weights = str(tmp_path / "w.weights.h5")
    fit(model, keras.callbacks.ModelCheckpoint(weights, save_weights_only=True), epochs=1)
    other = compiled(small(seed=4))
    other.load_weights(weights)
    assert_same(weights_of(other), weights_of(model))
    for name in ("a.h5", *([] if KERAS3 else ["folder/"])):
        bad = keras.callbacks.ModelCheckpoint(os.path.join(tmp_path, name))
        with pytest.raises(ValueError, match=r"no flow could be loaded; end its path in \"\.keras"):
            fit(model, bad)


def test_what_compile_refuses():
    model = tff.FlowModel(small())
    with pytest.raises(TypeError, match=r"no targets for metrics, got \['mse'\]"):
        model.compile("adam", metrics=["mse"])
    with pytest.raises(ValueError, match="whole number of steps above 0, got 0"):
        model.compile("adam", steps_per_execution=0)


STRATEGIES = {
    "one_device": lambda: tf.distribute.OneDeviceStrategy("/cpu:0"),
    "mirrored": lambda: tf.distribute.MirroredStrategy(["/cpu:0"]),
    "workers": tf.distribute.MultiWorkerMirroredStrategy,
}


@pytest.mark.deep
@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_of_one_device(name):
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    with STRATEGIES[name]().scope():
        model = tff.FlowModel(small())
        model.compile("adam")
    losses = model.fit(x, epochs=3, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    loss = model.evaluate(x, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(loss, -np.mean(model.flow.log_prob(x)), rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), model.flow.log_prob(x), rtol=1e-5)


def test_strategies_that_keras_3_cannot_train_under():
    class Servers(tf.distribute.ParameterServerStrategy):
        def __init__(self):
            pass

    if KERAS3:
        with pytest.raises(ValueError, match="cannot train under ParameterServerStrategy"):
            check_strategy(Servers())
    else:
        check_strategy(Servers())
    check_strategy(tf.distribute.get_strategy())
