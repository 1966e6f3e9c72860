"""Several workers, or devices, train the model that one trains."""

import json
import os
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
import worker_processes as processes
from keras_support import compiled, small

import tfp_flows as tff
from tfp_flows.models.feed import Feed
from tfp_flows.models.replicated import Loop, writes
from tfp_flows.models.workers import Workers, fingerprint

pytestmark = pytest.mark.keras
LEGACY = os.environ.get("TF_USE_LEGACY_KERAS") == "1"
CASES = [("maf", False), ("realnvp", True)]
OTHERS = [("maf", True), ("realnvp", False), ("glow", True)]
# Ten epochs of four batches, and ten of one: fifty steps in all.
EPOCHS = 13


def test_one_worker_is_the_chief():
    workers = Workers(tf.distribute.get_strategy())
    assert (workers.count, workers.index, workers.chief) == (1, 0, True)
    assert workers.gathered([3, 4]).tolist() == [[3, 4]]
    workers.check_same({"anything": 1})
    x = np.arange(6.0)
    assert fingerprint((x,)) == fingerprint([x.copy()]) != fingerprint((x.reshape(2, 3),))


def test_flows_from_outside_of_the_scope_are_refused():
    model = tff.FlowModel(small())
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    model.compile("adam")
    loop = Loop(model)
    loop._strategy = strategy
    with pytest.raises(tff.InputError, match="outside of the strategy's scope; build the flow"):
        loop.check_ready(None, None, {})


def test_workers_that_differ_are_named():
    class Two(Workers):
        """Of whom the second has other data."""

        def gathered(self, numbers):
            other = np.array(numbers)
            other[3] += 1  # behind three versions
            return np.stack([numbers, other])

    two = Two(tf.distribute.get_strategy())
    two.count = 2
    with pytest.raises(tff.InputError, match="Workers 0 and 1 of 2 have different training data"):
        two.check_same({"training data": "abc", "epochs": 3})


def test_errors_of_one_worker_stay_as_they_are():
    workers = Workers(tf.distribute.get_strategy())
    error = tf.errors.UnavailableError(None, None, "gone")
    with pytest.raises(tf.errors.UnavailableError), workers.guarded():
        raise error
    workers.count, workers.when = 2, "after epoch 7"
    with (
        pytest.raises(tff.models.WorkerLostError, match="worker 0 has stopped after epoch 7;"),
        workers.guarded(),
    ):
        raise error


def test_internal_errors_are_losses_where_they_name_another_worker():
    workers = Workers(tf.distribute.get_strategy())
    workers.count, workers._task = 2, ("worker", "0")
    own = "Blas GEMM launch failed [[{{node MatMul}}]] at /job:worker/replica:0/task:0/device:GPU:0"
    with pytest.raises(tf.errors.InternalError, match="Blas GEMM"), workers.guarded():
        raise tf.errors.InternalError(None, None, own)
    for words in (own.replace("task:0", "task:1"), "Collective ops is aborted by: reset"):
        with pytest.raises(tff.models.WorkerLostError), workers.guarded():
            raise tf.errors.InternalError(None, None, words)


def two_of(model, second):
    """A loop of two workers, of whom the other one says what `second` makes of our digests."""
    loop = Loop(model)
    loop.workers.count = 2
    loop.workers.gathered = lambda numbers: np.stack([numbers, second(list(numbers))])
    return loop


def test_what_workers_compare_before_they_train():
    x = np.zeros([6, 2], np.float32)
    data, other = Feed((x,), 2, seed=0), Feed((x + 1,), 2, seed=0)
    kept = []

    def digests(data, validation, rate=1e-3, done=0):
        model = tff.FlowModel(small())
        model.compile(tf.keras.optimizers.Adam(rate))
        model.optimizer.iterations.assign(done)
        two_of(model, lambda mine: kept.append(mine) or mine).check_ready(data, validation, {})
        return kept[-1]

    mine = digests(data, None)

    def changed(*args, **options):
        """What another worker with these would be told to have different."""
        model = compiled(small(), 1e-3)
        loop = two_of(model, lambda _: digests(*args, **options))
        with pytest.raises(tff.InputError) as error:
            loop.check_ready(data, None, {})
        return str(error.value)

    assert digests(data, None) == mine
    assert "different training data" in changed(other, None)
    assert "different validation data" in changed(data, data)
    assert "different optimizers" in changed(data, None, rate=1e-2)
    # After its first step a rate may have followed the clock of each; the chief's is taken.
    assert digests(data, None, rate=1e-2, done=3) == digests(data, None, done=3)


def test_callbacks_that_write_files_are_the_chiefs(tmp_path):
    assert writes(processes.checkpoint(tmp_path / "best.keras"))
    assert not writes(processes.training(None))


def alone(name, given):
    """What one process trains."""
    model = processes.model_of(name, given)
    history = processes.fitted(model, name, given, EPOCHS, [processes.training(None)])
    x, context = processes.rows_of(given, name)
    measures = model.evaluate(x, context, verbose=0), model.predict(x, context, verbose=0)
    return processes.weights_of(model), history, *measures


def check_equal(found, name, given):
    weights, history, measured, log_prob = alone(name, given)
    for number, value in enumerate(weights):
        np.testing.assert_allclose(found[f"{name}_{given}/{number}"], value, atol=1e-5)
    for key, values in (
        ("loss", history["loss"]),
        ("val_loss", history["val_loss"]),
        ("evaluate", measured),
        ("predict", log_prob),
    ):
        np.testing.assert_allclose(found[f"{name}_{given}/{key}"], values, rtol=1e-5, err_msg=key)


@pytest.mark.deep
@pytest.mark.keras(cases=())
def test_two_devices_of_one_process(tmp_path):
    cases = [{"flow": name, "given": given, "epochs": EPOCHS} for name, given in CASES]
    task = {"devices": 2, "out": str(tmp_path / "out.npz"), "cases": cases}
    said, status = processes.ended(processes.start([task], cluster=False))
    assert status == [0], said[0][-2000:]
    found = np.load(tmp_path / "out.npz")
    for name, given in CASES:
        check_equal(found, name, given)


@pytest.mark.deep
def test_two_devices_stop_early_and_keep_the_best_weights(tmp_path):
    case = {"flow": "maf", "given": True, "epochs": 40, "checkpoint": str(tmp_path / "{}.keras")}
    patient = {"patience": 3, "min_delta": 0.002}
    task = {"devices": 2, "out": str(tmp_path / "out.npz"), "cases": [case | patient]}
    said, status = processes.ended(processes.start([task], cluster=False))
    assert status == [0], said[0][-2000:]
    found = np.load(tmp_path / "out.npz")
    model = processes.model_of("maf", True)
    callbacks = [processes.training(None, **patient), processes.checkpoint(tmp_path / "one.keras")]
    history = processes.fitted(model, "maf", True, 40, callbacks)
    assert 3 < len(history["loss"]) < 40
    np.testing.assert_allclose(found["maf_True/val_loss"], history["val_loss"], rtol=1e-5)
    best, one = tff.load(tmp_path / "0.keras"), tff.load(tmp_path / "one.keras")
    for mine, theirs in ((model, "maf_True"), (one, None)):
        others = processes.weights_of(best)
        for number, value in enumerate(processes.weights_of(mine)):
            other = found[f"{theirs}/{number}"] if theirs else others[number]
            np.testing.assert_allclose(other, value, atol=1e-5)


@pytest.mark.deep
def test_two_workers(tmp_path):
    cases = [{"flow": name, "given": given, "epochs": EPOCHS} for name, given in CASES]
    cases[0]["save"] = str(tmp_path / "model.keras")
    cases[0]["checkpoint"] = str(tmp_path / "checkpoint_{}.keras")
    tasks = [
        {"out": str(tmp_path / f"{index}.npz"), "cases": cases, "stream": True} for index in (0, 1)
    ]
    said, status = processes.ended(processes.start(tasks))
    assert status == [0, 0], "\n".join(said)[-4000:]
    first, second = (np.load(tmp_path / f"{index}.npz") for index in (0, 1))
    assert set(first.files) == set(second.files)
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    for name, given in CASES:
        check_equal(first, name, given)
    # The standardiser has seen the rows of both, which lie 10 apart.
    assert first["stream/drawn"].mean() == pytest.approx(7, abs=0.5)
    assert first["stream/drawn"].std() == pytest.approx(np.sqrt(9 + 25), rel=0.1)
    assert sorted(path.name for path in tmp_path.glob("*.keras")) == [
        "checkpoint_0.keras",
        "model.keras",
    ]
    loaded = tff.load(tmp_path / "model.keras")
    for number, value in enumerate(processes.weights_of(loaded)):
        np.testing.assert_array_equal(value, first[f"maf_False/{number}"])


@pytest.mark.deep
def test_two_workers_train_other_flows_and_batches_in_parts(tmp_path):
    others = OTHERS[-1:] if LEGACY else OTHERS
    cases = [{"flow": name, "given": given, "epochs": EPOCHS} for name, given in others]
    # One process, which they are compared with, has each batch whole.
    cases[0]["accumulate"] = 3
    tasks = [{"out": str(tmp_path / f"{index}.npz"), "cases": cases} for index in (0, 1)]
    said, status = processes.ended(processes.start(tasks), seconds=480)
    assert status == [0, 0], "\n".join(said)[-4000:]
    first, second = (np.load(tmp_path / f"{index}.npz") for index in (0, 1))
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    for name, given in others:
        check_equal(first, name, given)


@pytest.mark.deep
def test_a_killed_worker_ends_the_others_and_all_go_on(tmp_path):
    state = tmp_path / "state.npz"
    case = {"flow": "maf", "given": False, "epochs": 10_000, "state": str(state)}
    tasks = [{"out": str(tmp_path / f"{index}.npz"), "cases": [case]} for index in (0, 1)]
    started = processes.start(tasks)
    until = time.monotonic() + 120
    while not state.exists() and time.monotonic() < until:
        time.sleep(0.2)
    started[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    said, status = processes.ended(started, seconds=90)
    assert time.monotonic() - killed < 60
    assert status == [1, -signal.SIGKILL]
    last = said[0].strip().splitlines()[-1]
    assert "Another of 2 workers is gone or cannot be reached, so worker 0 has stopped" in last
    with np.load(state) as kept:
        done = int(json.loads(str(kept["state"]))["epoch"])
    case["epochs"] = done + 2
    said, status = processes.ended(processes.start(tasks))
    assert status == [0, 0], "\n".join(said)[-4000:]
    model = processes.model_of("maf", False)
    processes.fitted(model, "maf", False, case["epochs"], [processes.training(None)])
    found = np.load(tmp_path / "0.npz")
    for number, value in enumerate(processes.weights_of(model)):
        np.testing.assert_allclose(found[f"maf_False/{number}"], value, atol=1e-5)
