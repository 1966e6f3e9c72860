"""The rate of a fit that was given a time."""

from types import SimpleNamespace

import numpy as np
import pytest

from tfp_flows.kinds.tables.falling import FallingInTime


def test_the_rate_falls_with_the_time_and_keeps_what_stalls_have_lowered():
    rounds = SimpleNamespace(seconds=100.0, spent=0.0)
    optimizer = SimpleNamespace(learning_rate=np.float32(0.01))
    callback = FallingInTime(0.01, rounds)
    callback.set_model(SimpleNamespace(optimizer=optimizer))

    def at(spent):
        rounds.spent = spent
        callback.on_train_batch_begin(0)
        return optimizer.learning_rate

    assert at(0.0) == pytest.approx(0.01)
    assert at(100 / 3) == pytest.approx(0.0075)
    optimizer.learning_rate = np.float32(0.004)
    assert at(50.0) == pytest.approx(0.004)
    assert at(200 / 3) == pytest.approx(0.0025)
    assert at(120.0) == pytest.approx(0.0, abs=1e-12)
