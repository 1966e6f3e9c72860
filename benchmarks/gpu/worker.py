"""One flow on one device, in a process of its own."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import tfp_flows as tff
from benchmarks import isolated
from benchmarks.gpu.cases import CASES, PRECISIONS, SMALL, WAYS

# Of a pass of training, so that what Keras does once an epoch counts little.
BATCHES = 64


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Measures, in this process.

    Args:
        job: ``flow``, ``device``, ``seconds``, ``smoke``, ``threads``.

    Returns:
        For each precision, with and without XLA, steps and rows a second, or why there are none.
    """
    devices = tf.config.list_logical_devices(job["device"])
    if not devices:
        return {"status": "failed", "message": f"TensorFlow sees no {job['device']}"}, np.zeros(0)
    details = tf.config.list_physical_devices(job["device"])[0]
    name = tf.config.experimental.get_device_details(details).get("device_name", "")
    results = {}
    for precision in PRECISIONS:
        for xla in (True, False):
            try:
                with tf.device(devices[0].name):
                    found = measured(job, precision, xla)
            except (tf.errors.OpError, ValueError) as error:
                found = {"message": str(error).strip().splitlines()[0][:200]}
            results[f"{precision}, {WAYS[xla]}"] = found
    return {"status": "ok", "device_name": name, "results": results}, np.zeros(0)


def measured(job: dict[str, Any], precision: str, xla: bool) -> dict[str, float]:
    """Steps, densities and samples a second.

    Args:
        job: As in `run`.
        precision: ``float32``, or that of the networks' products.
        xla: Whether all is compiled by XLA.
    """
    case = CASES[job["flow"]]
    options, batch = (SMALL[job["flow"]], 4) if job["smoke"] else (case.options, case.batch)
    compute = {} if precision == "float32" else {"compute_dtype": precision}
    flow = getattr(tff.flows, case.recipe)(seed=0, **options, **compute)
    batches = 2 if job["smoke"] else BATCHES
    generator = np.random.default_rng(0)
    x = generator.standard_normal((batches * batch, *flow.event_shape), np.float32)
    model = tff.FlowModel(flow)
    model.compile("adam", jit_compile=xla)
    log_prob = tf.function(flow.log_prob, jit_compile=xla, autograph=False)

    @tf.function(jit_compile=xla, autograph=False)
    def sample(seed):
        return flow.sample(batch, seed=seed)

    part, seconds = tf.constant(x[:batch]), job["seconds"]
    return {
        "training": batches * rate(lambda: model.fit(x, batch_size=batch, verbose=0), seconds),
        "log_prob": batch * rate(lambda: log_prob(part).numpy(), seconds),
        "sample": batch * rate(lambda: sample(tf.constant([1, 2])).numpy(), seconds),
    }


def rate(call: Callable[[], Any], seconds: float) -> float:
    """Calls a second, without the first two, which compile."""
    call(), call()
    count, begun = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - begun < seconds:
        call()
        count += 1
    return count / (time.perf_counter() - begun)


if __name__ == "__main__":
    isolated.serve(run)
