"""Checks the preprocessing bijector."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array, wrong_dtype
from tfp_flows.grading.replies import Value
from tfp_flows.grading.trial import Finding, Trial

_SHAPE = (2, 3, 4, 3)


class _Call(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    alpha: float
    value: Value
    log_det: Value
    inverse: Value


def _logit(p: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.log(p) - np.log1p(-p)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _right(x: np.ndarray, alpha: float) -> np.ndarray:
    return _logit(alpha + (1 - 2 * alpha) * x)


_MISTAKES = (
    ("sigmoid", "The logit is missing.", lambda x, a: a + (1 - 2 * a) * x),
    ("direction", "The sigmoid is used where its inverse is needed.",
     lambda x, a: _sigmoid(a + (1 - 2 * a) * x)),
    ("direction", "The bijector runs backwards: from the line to pixels.",
     lambda x, a: (_sigmoid(x) - a) / (1 - 2 * a)),
    ("scale", "The factor of x is wrong: both ends must stay inside (0, 1).",
     lambda x, a: _logit(a + (1 - a) * x)),
    ("scale", "The factor of x is missing.", lambda x, a: _logit(a + x)),
    ("shift", "The shift by alpha is missing.", lambda x, a: _logit((1 - 2 * a) * x)),
    ("shift", "The shift has the wrong sign.", lambda x, a: _logit((1 - 2 * a) * x - a)),
    ("order", "Shift and scale are in the wrong order: tfb.Chain applies the last one first.",
     lambda x, a: _logit((1 - 2 * a) * (x + a))),
    ("order", "The chain runs in the wrong order: tfb.Chain applies the last one first.",
     lambda x, a: a + (1 - 2 * a) * _logit(x)),
    ("order", "The chain runs in the wrong order: tfb.Chain applies the last one first.",
     lambda x, a: (1 - 2 * a) * (_logit(x) + a)),
)  # fmt: skip


def preprocess(trial: Trial) -> Iterator[Finding]:
    """Compares values, log-dets and inverses for several alphas."""
    calls = []
    for alpha in (0.05, float(trial.random.uniform(0.02, 0.2))):
        x = trial.random.uniform(0.25, 0.75, _SHAPE).astype(np.float32)
        x[0, 0, 0] = (0.0, 0.5, 1.0)
        y = trial.random.uniform(-1.5, 1.5, _SHAPE).astype(np.float32)
        reply = trial.probe("preprocess", [x, y], alpha=alpha)
        if "other" in reply:
            other = reply.value("other")
            yield not_an_array(other, trial.name) or Finding(
                "type", f"{trial.name} returns {other.words}, not a bijector."
            )
            return
        values = [reply.value(name) for name in ("value", "log_det", "inverse")]
        calls.append(_Call(x.astype(float), y.astype(float), alpha, *values))
    for call in calls:
        if call.value.kind != "array":
            yield not_an_array(call.value, "forward of the bijector")
            return
    if not _matches(calls, _right):
        yield _diagnosis(calls)
        return
    yield from wrong_dtype(calls[0].value, "forward of the bijector")
    yield from _rest(calls)


def _matches(calls, formula, *, inside: bool = False) -> bool:
    """Whether a formula gives the values; ``inside`` leaves the ends of [0, 1] out."""
    for x, _, alpha, value, _, _ in calls:
        where = (x > 0) & (x < 1) if inside else np.ones(x.shape, bool)
        actual = value.array
        if actual.shape != x.shape:
            return False
        expected = formula(x, alpha)[where]
        fine = np.isfinite(expected)
        if not close(actual[where][fine], expected[fine]):
            return False
    return True


def _diagnosis(calls) -> Finding:
    for kind, message, formula in _MISTAKES:
        if _matches(calls, formula, inside=True):
            return Finding(kind, message)
    wrong = not_an_array(calls[0].value, "forward of the bijector")
    return wrong or Finding("values", "forward of the bijector gives wrong values.")


def _rest(calls) -> Iterator[Finding]:
    for x, y, alpha, _, value, inverse in calls:
        p = alpha + (1 - 2 * alpha) * x
        log_det = (np.log(1 - 2 * alpha) - np.log(p) - np.log1p(-p)).sum(axis=(1, 2, 3))
        if value.kind != "array" or not close(value.array, log_det):
            yield Finding("log_det", "The log-det of the bijector does not fit its values.")
            return
        expected = (_sigmoid(y) - alpha) / (1 - 2 * alpha)
        if inverse.kind != "array" or not close(inverse.array, expected):
            yield Finding("inverse", "The inverse of the bijector does not fit its values.")
            return
