"""One way to model a table, in a process of its own; `benchmarks.tables.choices` starts it."""

import time
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import tensorflow as tf

import tfp_flows as tff
from benchmarks import isolated
from benchmarks.tables.relaxed import Argmax, Uniform, Variational
from tfp_flows.bijectors import Chain
from tfp_flows.tables import model as table_model

CLASSES = (5, 30)
MISSING = 0.3
_DRAWS, _PATIENCE, _BATCH, _PER_CALL = 64, 15, 256, 2_000
_NAMES = ["kind", "place", "x", "y"]


class Drawn(NamedTuple):
    """Rows of the law.

    Attributes:
        values: ``[rows, 4]``: a class of five, one of thirty given it, two numbers.
        log_density: ``[rows]`` of each, in nats.
        log_place: ``[rows]``, log-probability of the class of thirty given the three others.
    """

    values: np.ndarray
    log_density: np.ndarray
    log_place: np.ndarray


def law(rows: int, seed: int) -> Drawn:
    """Draws rows: classes and numbers that depend on each other."""
    fixed, rng = np.random.default_rng(5), np.random.default_rng([7, seed])
    kinds = np.array([0.4, 0.25, 0.2, 0.1, 0.05])
    places = 0.9 * fixed.dirichlet(np.full(CLASSES[1], 0.4), CLASSES[0]) + 0.1 / CLASSES[1]
    middles = fixed.normal(0, 1.5, CLASSES)
    kind = rng.choice(CLASSES[0], rows, p=kinds)
    at = (rng.uniform(size=(rows, 1)) > np.cumsum(places[kind], axis=1)).sum(axis=1)
    place = np.minimum(at, CLASSES[1] - 1)
    x = rng.normal(middles[kind, place], 0.5)
    y = rng.normal(np.sin(2 * x) + 0.5 * kind, 0.3)
    # [rows, places]: the log-density of each row, were it in that place.
    each = np.log(kinds[kind])[:, None] + np.log(places[kind])
    each = each + _normal(x[:, None], middles[kind], 0.5)
    each = each + _normal(y, np.sin(2 * x) + 0.5 * kind, 0.3)[:, None]
    own = each[np.arange(rows), place]
    values = np.stack([kind, place, x, y], axis=1)
    return Drawn(values, own, own - np.logaddexp.reduce(each, axis=1))


def _normal(value, mean, deviation):
    return -0.5 * ((value - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Fits, and measures on as many rows again.

    Returns:
        The figures, and the log-densities of the held-out rows less those of the law, ``[rows]``.
    """
    tf.keras.utils.set_random_seed(job["seed"])
    seen, held_out = (law(job["rows"], 2 * job["seed"] + part) for part in (0, 1))
    start = time.perf_counter()
    if job["question"] == "classes":
        result, scores = _classes(job, seen.values, held_out)
    else:
        result, scores = _gaps(job, seen.values, held_out)
    gained = scores - held_out.log_density
    result |= {"status": "ok", "seconds": result.pop("fitted") - start, **_mean("gap", -gained)}
    return result, gained


def _mean(name: str, values: np.ndarray) -> dict[str, float | int]:
    """Mean and standard error, or how many rows have no density."""
    nowhere = int(np.isinf(values).sum())
    if nowhere:
        return {f"{name}_nowhere": nowhere}
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return {name: float(values.mean()), f"{name}_error": error}


def _frame(values: np.ndarray):
    import pandas as pd

    frame = pd.DataFrame(values, columns=_NAMES)
    for name, letter in (("kind", "k"), ("place", "p")):
        frame[name] = letter + frame[name].astype(int).astype(str)
    return frame


def _classes(job, seen, held_out):
    if job["way"] == "probabilities":
        model = tff.tables.fit(_frame(seen), seed=job["seed"], epochs=job["epochs"])
        fitted = time.perf_counter()
        scores = model.log_prob(_frame(held_out.values))
        return {"fitted": fitted, "parameters": _count(model)}, scores
    relaxed = {
        "uniform noise": lambda: Uniform(CLASSES, seen.shape[1]),
        "learned noise": lambda: Variational(CLASSES, seen[:, 2:].astype(np.float32), job["seed"]),
        "argmax": lambda: Argmax(CLASSES, seen[:, 2:].astype(np.float32), job["seed"]),
    }[job["way"]]()
    inner = tff.flows.nsf(
        event_shape=relaxed.latent_shape,
        mode="autoregressive",
        hidden_units=(256, 256),
        seed=job["seed"],
    )
    model = tff.FlowModel(tff.Flow(inner.distribution, Chain([relaxed, inner.bijector])))
    model.compile(tf.keras.optimizers.Adam(1e-3, global_clipnorm=5.0))
    order = np.random.default_rng(job["seed"]).permutation(len(seen))
    validation, train = np.split(seen.astype(np.float32)[order], [len(seen) // 10])
    model.fit(
        train,
        validation_data=validation,
        batch_size=_BATCH,
        epochs=job["epochs"],
        callbacks=[
            tff.models.ResumableTraining(
                patience=_PATIENCE, decay=0.5, decay_patience=_PATIENCE // 3, seed=job["seed"]
            )
        ],
        verbose=0,
    )
    fitted = time.perf_counter()
    score = tf.function(model.flow.log_prob, autograph=False)
    rows = held_out.values.astype(np.float32)
    parts = [rows[i : i + _PER_CALL] for i in range(0, len(rows), _PER_CALL)]
    draws = np.stack(
        [np.concatenate([score(tf.constant(p)).numpy() for p in parts]) for _ in range(_DRAWS)]
    ).astype(np.float64)
    # One draw is a bound; many, weighted by importance, a tighter one (Burda et al. 2016).
    tighter = np.logaddexp.reduce(draws, axis=0) - np.log(_DRAWS)
    result = {"fitted": fitted, "parameters": _count(model)}
    return result | _mean("tighter", held_out.log_density - tighter), draws.mean(axis=0)


def _gaps(job, seen, held_out):
    frame, rng = _frame(seen), np.random.default_rng(job["seed"])
    gone = rng.uniform(size=seen.shape) < MISSING
    frame = frame.mask(gone)
    if job["way"] == "complete rows":
        frame = frame.dropna()
    # All rows in the order of the columns, where half of them are at random by default.
    share = 1.0 if job["way"] == "one order" else table_model.IN_ORDER
    with patch.object(table_model, "IN_ORDER", share):
        model = tff.tables.fit(frame, seed=job["seed"], epochs=job["epochs"])
    fitted = time.perf_counter()
    complete = _frame(held_out.values)
    scores = model.log_prob(complete)
    others = [name for name in _NAMES if name != "place"]
    asked = model.conditional(complete, others)[:, _NAMES.index("place")]
    # The density of the row in each place: what a model of one order has to be asked.
    each = []
    for code in range(CLASSES[1]):
        moved = held_out.values.copy()
        moved[:, 1] = code
        each.append(model.log_prob(_frame(moved)))
    summed = scores - np.logaddexp.reduce(np.stack(each), axis=0)
    result = {"fitted": fitted, "parameters": _count(model), "rows": len(frame)}
    result |= _mean("asked", held_out.log_place - asked)
    return result | _mean("summed", held_out.log_place - summed), scores


def _count(model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


if __name__ == "__main__":
    isolated.serve(run)
