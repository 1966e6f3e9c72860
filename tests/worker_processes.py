"""Trainings on several workers or devices, in processes of their own; also run as one of these."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
ROWS, BATCH = 310, 64


def rows_of(given, name="maf"):
    """The data of a case; their last batch is a partial one, and uneven over two replicas."""
    generator = np.random.default_rng(0)
    shape = (4, 4, 1) if name == "glow" else (3,)
    x = (3 * generator.normal(size=(ROWS - 1, *shape)) + 2).astype(np.float32)
    context = generator.normal(size=(ROWS - 1, 1)).astype(np.float32)
    return x, context if given else None


def model_of(name, given, accumulate=1):
    """An untrained model; the same each time."""
    import tensorflow as tf

    import tfp_flows as tff

    options = {"event_shape": 3, "num_layers": 2, "standardize": True}
    if name == "glow":
        # Without bins it draws no noise, which is each replica's own.
        options = {"event_shape": (4, 4, 1), "num_levels": 2, "depth": 1, "bins": None}
    if given:
        options["context_shape"] = 1
    flow = tff.flows.get(name)(hidden_units=[16], seed=0, **options)
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(1e-3), jit_compile=False, accumulate=accumulate)
    return model


def fitted(model, name, given, epochs, callbacks=(), initial_epoch=0):
    """Fits a model, with validation; gives the history."""
    x, context = rows_of(given, name)
    return model.fit(
        x,
        context,
        batch_size=BATCH,
        epochs=epochs,
        initial_epoch=initial_epoch,
        validation_split=0.2,
        callbacks=list(callbacks),
        verbose=0,
    ).history


def training(path, patience=1000, min_delta=0.0):
    """What keeps the state of a training."""
    import tfp_flows as tff

    return tff.models.ResumableTraining(path, seed=5, patience=patience, min_delta=min_delta)


def checkpoint(path):
    """Keras' own file of the best epoch."""
    import tensorflow as tf

    return tf.keras.callbacks.ModelCheckpoint(str(path), monitor="val_loss", save_best_only=True)


def weights_of(model):
    return [np.asarray(variable) for variable in model.flow.variables]


def main(task):
    """What one worker does, told as JSON."""
    import tensorflow as tf

    import tfp_flows as tff

    strategy = tff.models.training_strategy(task.get("devices"), wait=120)
    results = {}
    for case in task["cases"]:
        name, given, state = case["flow"], case["given"], case.get("state")
        with strategy.scope():
            model = model_of(name, given, case.get("accumulate", 1))
            keeper = training(state, case.get("patience", 1000), case.get("min_delta", 0.0))
        begun = keeper.resume(model)
        callbacks = [keeper]
        if "checkpoint" in case:
            callbacks.append(checkpoint(case["checkpoint"].format(task["index"])))
        history = fitted(model, name, given, case["epochs"], callbacks, begun)
        x, context = rows_of(given, name)
        key = f"{name}_{given}"
        for number, value in enumerate(weights_of(model)):
            results[f"{key}/{number}"] = value
        results[f"{key}/loss"] = history["loss"]
        results[f"{key}/val_loss"] = history["val_loss"]
        results[f"{key}/evaluate"] = model.evaluate(x, context, verbose=0)
        results[f"{key}/predict"] = model.predict(x, context, verbose=0)
        if "save" in case:
            model.save(case["save"])
    if "stream" in task:
        # Each worker has rows of its own, in an order of its own.
        x = rows_of(False)[0] + 10 * task["index"]
        data = tf.data.Dataset.from_tensor_slices(x).shuffle(ROWS, seed=task["index"]).batch(BATCH)
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        with strategy.scope():
            model = model_of("maf", False)
        model.fit(data.with_options(options), epochs=1, verbose=2 * task["index"])
        results["stream/drawn"] = model.flow.sample(2000, seed=[0, 1])
        for number, value in enumerate(weights_of(model)):
            results[f"stream/{number}"] = value
    np.savez(task["out"], **results)


def start(tasks, cluster=True):
    """Starts a process for each task; they are workers of one cluster if there are several."""
    addresses = [f"localhost:{port}" for port in free_ports(len(tasks))]
    processes = []
    for index, task in enumerate(tasks):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
        environment.pop("TF_CONFIG", None)
        if cluster:
            jobs, one = {"worker": addresses}, {"type": "worker", "index": index}
            environment["TF_CONFIG"] = json.dumps({"cluster": jobs, "task": one})
        command = [sys.executable, __file__, json.dumps({**task, "index": index})]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        processes.append(subprocess.Popen(command, env=environment, **pipes))
    return processes


def ended(processes, seconds=240):
    """What processes have said, and their exit status."""
    try:
        said = [process.communicate(timeout=seconds)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return said, [process.returncode for process in processes]


def free_ports(count):
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
