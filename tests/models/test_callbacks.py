"""ResumableTraining: when it stops, what it restores, what survives a kill."""

import math

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.datasets import split, toy
from tfp_flows.errors import InputError
from tfp_flows.models import EachCall, ResumableTraining

pytestmark = pytest.mark.keras
DATA = split(toy("two_moons", 500))


def model_of(layers=1, rate=1e-3):
    flow = tff.flows.maf(event_shape=2, seed=0, num_layers=layers, hidden_units=(8,))
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(rate), jit_compile=False)
    return model


def train(training, epochs, model=None):
    model = model or model_of()
    begun = training.resume(model)
    model.flow.adapt(DATA.train)
    model.fit(
        training.batches(DATA.train, 128),
        epochs=epochs,
        initial_epoch=begun,
        validation_data=DATA.validation,
        callbacks=[training],
        verbose=0,
    )
    return model


class Losses:
    """Feeds given losses to a callback, as Keras would."""

    def __init__(self, training):
        self.training, self.model = training, model_of()
        training.set_model(self.model)
        self.model.stop_training = False

    def __call__(self, epoch, loss, train_loss=0.0):
        self.model.set_weights([np.full_like(w, epoch) for w in self.model.get_weights()])
        self.training.on_epoch_begin(epoch)
        self.training.on_epoch_end(epoch, {"loss": train_loss, "val_loss": loss})
        return self.model.stop_training


@pytest.mark.keras(quick=True)
def test_resumed_training_equals_uninterrupted(tmp_path):
    path = tmp_path / "state.npz"
    settings = {"patience": 9, "decay_patience": 1, "min_delta": 0.03, "seed": 3}
    whole = ResumableTraining(**settings)
    expected = train(whole, 5)
    train(ResumableTraining(path, **settings), 2)
    parts = ResumableTraining(path, **settings)
    result = train(parts, 5)
    assert parts.history["val_loss"] == whole.history["val_loss"]
    assert parts.history["learning_rate"] == whole.history["learning_rate"]
    assert len(parts.history["seconds"]) == 5
    assert parts.best_epoch == whole.best_epoch
    for a, b in zip(result.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Killed(EachCall):
    """Ends the process, so to say, in the middle of an epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2:
            raise KeyboardInterrupt


def fitted(flow, path, data, callbacks=(), seed=3):
    """A model after 4 epochs, from the state in the file if there is one."""
    training = ResumableTraining(path, seed=seed)
    model = tff.FlowModel(flow())
    model.compile(tf.keras.optimizers.Adam(1e-3))
    done = training.resume(model)
    options = {
        "epochs": 4,
        "initial_epoch": done,
        "verbose": 0,
        "callbacks": [training, *callbacks],
    }
    model.fit(**data(training), **options)
    return training, model


def check_resumed(tmp_path, flow, data):
    whole, expected = fitted(flow, tmp_path / "whole.npz", data)
    with pytest.raises(KeyboardInterrupt):
        fitted(flow, tmp_path / "parts.npz", data, [Killed()])
    parts, model = fitted(flow, tmp_path / "parts.npz", data)
    assert parts.history["loss"] == whole.history["loss"]
    assert parts.history["val_loss"] == whole.history["val_loss"]
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The order and the noise of another seed are others.
    other, _ = fitted(flow, tmp_path / "other.npz", data, seed=4)
    assert not set(other.history["loss"]) & set(whole.history["loss"])


@pytest.mark.deep
def test_arrays_are_resumed_with_the_noise_of_each_step(tmp_path):
    def data(training):
        return {"x": DATA.train, "batch_size": 50, "validation_data": DATA.validation}

    def flow():
        options = {"trace": "hutchinson", "solver": "rk4", "num_steps": 2}
        return tff.flows.ffjord(event_shape=2, seed=0, hidden_units=(8,), **options)

    check_resumed(tmp_path, flow, data)


@pytest.mark.deep
def test_images_are_resumed_with_their_order_flips_and_noise(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1)).astype(np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    images = tff.datasets.load_images(tmp_path / "images.npy")

    def data(training):
        options = {"seed": training.seed, "full": True}
        return {
            "x": images.batches(
                "train", 16, shuffle=True, flip=True, epoch=training.epoch_number, **options
            ),
            "validation_data": images.batches("validation", 16, **options),
        }

    def flow():
        return tff.flows.glow(event_shape=(4, 4, 1), seed=0, num_levels=1, depth=1, hidden_units=4)

    check_resumed(tmp_path, flow, data)


def test_a_state_of_another_seed_is_not_resumed(tmp_path):
    path = tmp_path / "state.npz"
    Losses(ResumableTraining(path, seed=1))(0, 1.0)
    with pytest.raises(InputError, match="begun with seed 1, not 2"):
        ResumableTraining(path, seed=2).resume(model_of())


def test_order_depends_on_seed_and_epoch_alone():
    x = np.arange(10, dtype=np.float32)[:, None]

    def order(seed, epoch):
        training = ResumableTraining(seed=seed)
        data = training.batches(x, 4)
        training.on_epoch_begin(epoch)
        return [batch[:, 0].tolist() for batch in data.as_numpy_iterator()]

    batches = order(0, 1)
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert set(np.concatenate(batches)) == set(range(10))
    assert order(0, 1) == batches
    assert order(0, 2) != batches
    assert order(1, 1) != batches


def test_batches_are_no_larger_than_the_data():
    data = ResumableTraining().batches(np.zeros((3, 2), np.float32), 128)
    assert [batch.shape for batch in data.as_numpy_iterator()] == [(3, 2)]


def test_patience_min_delta_decay_and_best_weights():
    training = ResumableTraining(patience=4, min_delta=0.1, decay=0.5, decay_patience=2)
    step = Losses(training)
    losses = [3.0, 2.0, 1.95, 1.94, 1.93, 1.92]
    assert [step(i, loss) for i, loss in enumerate(losses)] == [False] * 5 + [True]
    assert training.stopped
    assert (training.best, training.best_epoch) == (2.0, 2)
    assert float(np.asarray(step.model.optimizer.learning_rate)) == pytest.approx(2.5e-4)
    training.on_train_end()
    assert all(np.all(w == 1) for w in step.model.get_weights())


def test_stops_at_once_when_the_loss_is_not_finite():
    training = ResumableTraining(patience=50)
    step = Losses(training)
    assert not step(0, 1.0)
    assert not step(1, math.nan)
    assert step(2, math.nan, train_loss=math.nan)
    assert training.best_epoch == 1


def test_stopped_state_is_remembered(tmp_path):
    path = tmp_path / "state.npz"
    step = Losses(ResumableTraining(path, patience=1))
    assert [step(0, 1.0), step(1, 2.0)] == [False, True]
    again, model = ResumableTraining(path, patience=1), model_of()
    assert again.resume(model) == 2
    assert again.stopped
    again.restore_best(model)
    assert all(np.all(w == 0) for w in model.get_weights())


def test_missing_monitor():
    training = ResumableTraining(monitor="val_los")
    training.set_model(model_of())
    with pytest.raises(InputError, match="no 'val_los' to watch, only loss"):
        training.on_epoch_end(0, {"loss": 1.0})


def test_state_of_another_model_or_damaged(tmp_path):
    path = tmp_path / "state.npz"
    Losses(ResumableTraining(path))(0, 1.0)
    with pytest.raises(InputError, match="another training"):
        ResumableTraining(path).resume(model_of(layers=3))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="not a training state, or is damaged"):
        ResumableTraining(path).resume(model_of())
    assert ResumableTraining(tmp_path / "none.npz").resume(model_of()) == 0


def test_failed_write_keeps_the_last_state(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    step = Losses(ResumableTraining(path))
    step(0, 1.0)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left on device"):
        step(1, 0.5)
    assert [p.name for p in tmp_path.iterdir()] == ["state.npz"]
    assert ResumableTraining(path).resume(model_of()) == 1
