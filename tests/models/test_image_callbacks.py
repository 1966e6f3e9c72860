"""WarmUpCosine: the rate over epochs and over a budget of time; SampleGrid without TensorBoard."""

import sys
import types

import pytest
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.models import SampleGrid, WarmUpCosine, image_callbacks

pytestmark = pytest.mark.keras


class Clock:
    """Drives a callback through steps of a given length, as Keras would."""

    def __init__(self, monkeypatch, schedule, steps=100):
        self.now = 0.0
        fake = types.SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(image_callbacks, "time", fake)
        self.schedule = schedule
        self.model = tf.keras.Sequential([tf.keras.Input([1]), tf.keras.layers.Dense(1)])
        self.model.compile(tf.keras.optimizers.Adam(1.0))
        self.model.stop_training = False
        schedule.set_model(self.model)
        schedule.set_params({"steps": steps})
        schedule.on_train_begin()
        schedule.on_epoch_begin(0)

    def step(self, batch, seconds):
        self.schedule.on_train_batch_begin(batch)
        rate = float(self.model.optimizer.learning_rate)
        self.now += seconds
        self.schedule.on_train_batch_end(batch)
        return rate


def test_rate_rises_and_falls_over_the_epochs(monkeypatch):
    clock = Clock(monkeypatch, WarmUpCosine(0.01, epochs=1, warm_up=0.1))
    rates = [clock.step(batch, 1.0) for batch in range(100)]
    assert rates[0] == pytest.approx(0.0005)
    assert rates[10] == max(rates) == pytest.approx(0.01)
    assert rates[55] == pytest.approx(0.005)
    assert rates[99] < 1e-5
    assert sorted(rates[:11]) == rates[:11]
    assert sorted(rates[10:], reverse=True) == rates[10:]


def test_compilation_takes_no_part_of_the_warm_up(monkeypatch):
    schedule = WarmUpCosine(0.01, epochs=100, seconds=110, warm_up=0.1)
    clock = Clock(monkeypatch, schedule)
    # The first call compiles for 10 s; 100 s remain, 10 of which warm up.
    assert clock.step(0, 10.0) < 0.001
    assert clock.step(1, 5.0) < 0.001
    assert clock.step(2, 5.0) == pytest.approx(0.005)
    assert clock.step(3, 45.0) == pytest.approx(0.01)
    assert clock.step(4, 44.0) == pytest.approx(0.005)
    assert not clock.model.stop_training
    assert clock.step(5, 1.0) < 1e-5
    assert clock.model.stop_training
    assert schedule.over


def test_a_resumed_run_goes_on_where_its_time_was(monkeypatch):
    schedule = WarmUpCosine(0.01, epochs=100, seconds=100, warm_up=0.0, seconds_done=50.0)
    clock = Clock(monkeypatch, schedule)
    clock.step(0, 1.0)
    assert clock.step(1, 1.0) == pytest.approx(0.005, rel=0.05)


def test_logs_need_tensorboard(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match="pip install"):
        SampleGrid(tmp_path / "grid.png", log_dir=tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
    SampleGrid(tmp_path / "grid.png")
