"""`python -m benchmarks.speed.ablations CASE`: a call, and the same call with parts left out.

A process of its own, as TensorFlow's threads are set once; it prints seconds by name, as JSON.
"""

import contextlib
import json
import os
import sys
import time
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import tfp_flows as tff
from benchmarks.speed.cases import Case
from tfp_flows.flows import graphs
from tfp_flows.networks.masked_product import Mask

STEPS = 16
_TURNS = 5
_PRODUCTS = ("MatMul",)
_MATHS = ("Abs", "ClipByValue", "Exp", "IsNan", "Neg", "RealDiv", "Relu", "Tanh")


def medians(calls: dict, seconds: float) -> dict[str, float]:
    """The median time of each call, in turns, for so many seconds each and at least 20 calls."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call(), call()
    for _ in range(_TURNS):
        for name, call in calls.items():
            end, count = time.perf_counter() + seconds / _TURNS, 0
            while time.perf_counter() < end or count < 20 // _TURNS:
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
                count += 1
    return {name: float(np.median(each)) for name, each in times.items()}


def _compiled(function):
    function = tf.function(function, jit_compile=True, autograph=False)
    return lambda: tf.nest.map_structure(lambda tensor: tensor.numpy(), function())


def _without_masks():
    return mock.patch.object(Mask, "apply", lambda self, kernel: kernel)


def _empty(rows, variables):
    """What takes and gives as much, and computes nothing."""

    def function():
        for variable in variables:
            variable.read_value()
        return rows[:, 0]

    return _compiled(function)


def _thin(operation, taken):
    """A product of as many entries that is none of matrices."""
    left, right = taken
    return [left[:, :1] * right[:1]]


def _same(operation, taken):
    tensor, wanted = taken[0], operation.outputs[0]
    return [tensor if tensor.dtype == wanted.dtype else tf.zeros(wanted.shape, wanted.dtype)]


def log_prob_parts(flow, rows, seconds: float) -> dict[str, float]:
    """Seconds of a density as a user compiles it, and of what is left without its parts."""
    live = _compiled(lambda: flow.log_prob(rows))
    traced = tf.function(flow.log_prob, autograph=False)
    frozen = convert_variables_to_constants_v2(
        traced.get_concrete_function(tf.TensorSpec(rows.shape, rows.dtype))
    )
    known = graphs.constants(frozen)

    def folded(replaced=None):
        return _compiled(lambda: graphs.rebuilt(frozen, [rows], known=known, replaced=replaced)[0])

    no_products = dict.fromkeys(_PRODUCTS, _thin)
    calls = {
        "empty": _empty(rows, []),
        "captures": _empty(rows, flow.variables),
        "whole": live,
        "frozen": folded(),
        "no products": folded(no_products),
        "layout": folded(no_products | dict.fromkeys(_MATHS, _same)),
    }
    with _without_masks():
        calls["no masks"] = _compiled(lambda: flow.log_prob(rows))
        calls["no masks"]()
    return medians(calls, seconds)


def train_parts(flow, data, batch: int, seconds: float) -> dict[str, float]:
    """Seconds of a training step by `fit`, and of what is left without its parts."""
    model = tff.FlowModel(flow)
    model.compile("adam")
    data = data[: 4 * STEPS * batch]
    model.fit(data, batch_size=batch, epochs=2, verbose=0)
    epochs = _EpochTimes(seconds)
    model.fit(data, batch_size=batch, epochs=100_000, verbose=0, callbacks=[epochs])
    parts = tf.constant(data[: STEPS * batch].reshape(STEPS, batch, -1))
    weights = flow.trainable_variables
    moments = [getattr(v, "value", v) for v in model.optimizer.variables]

    def looped(step):
        def function():
            def body(i, total):
                return i + 1, total + step(parts[i])

            return tf.while_loop(lambda i, _: i < STEPS, body, (0, tf.constant(0.0)))[1]

        return _compiled(function)

    def whole(rows):
        model.train_step((rows, None, None))
        return 0.0

    def descend(variables, gradients):
        # The cheapest use of them, without which XLA would leave them out.
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign_sub(1e-12 * gradient)
        return 0.0

    def gradients(rows):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow.log_prob(rows))
        return descend(weights, tape.gradient(loss, weights))

    kernels = [v for v in weights if len(v.shape) == 2]

    def products(rows):
        x = rows
        with tf.GradientTape() as tape:
            for kernel in kernels:
                x = tf.matmul(x[:, : kernel.shape[0]], kernel)
            loss = tf.reduce_sum(x)
        return descend(kernels, tape.gradient(loss, kernels))

    calls = {
        "captures": _empty(tf.constant(data[:batch]), [*weights, *moments]),
        "program": looped(whole),
        "gradients": looped(gradients),
        "products": looped(products),
    }
    with _without_masks():
        calls["no masks"] = looped(whole)
        calls["no masks"]()
    found = {name: each / STEPS for name, each in medians(calls, seconds).items()}
    return {"whole": epochs.median() / (len(data) // batch), **found}


class _EpochTimes(tff.models.EachCall):
    def __init__(self, seconds):
        super().__init__()
        self._end, self._times = time.perf_counter() + seconds, []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self._times.append(time.perf_counter() - self._start)
        if time.perf_counter() > self._end and len(self._times) >= 5:
            self.model.stop_training = True

    def median(self) -> float:
        return float(np.median(self._times))


def main() -> None:
    """Measures what ``{"case", "operation", "threads", "seconds"}`` of the argument ask for."""
    asked = json.loads(sys.argv[1])
    threads, case = asked["threads"], Case.from_dict(asked["case"])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    flow = getattr(tff.flows, case.flow)(
        event_shape=case.dims,
        num_layers=case.layers,
        hidden_units=case.hidden_units,
        standardize=False,
        seed=case.seed,
    )
    data = case.data()
    with contextlib.redirect_stdout(sys.stderr):
        if asked["operation"] == "train":
            found = train_parts(flow, data, case.batch, asked["seconds"])
        else:
            found = log_prob_parts(flow, tf.constant(data[: case.batch]), asked["seconds"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
