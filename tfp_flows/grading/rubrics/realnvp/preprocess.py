"""Checks the preprocessing bijector."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array, wrong_dtype
from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.rubrics.realnvp.gradients import cut, gradients_of, told
from tfp_flows.grading.trial import Finding, Trial

_SHAPE = (2, 3, 4, 3)
_STEP = 1e-4
Formula = Callable[[np.ndarray, float], np.ndarray]


class _Call(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    alpha: float
    cotangents: list[np.ndarray]
    reply: Reply

    @property
    def value(self) -> Value:
        return self.reply.value("value")


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
    """Compares values, log-dets, inverses and gradients for several alphas."""
    calls = []
    for alpha in (0.05, float(trial.random.uniform(0.02, 0.2))):
        x = trial.random.uniform(0.25, 0.75, _SHAPE).astype(np.float32)
        x[0, 0, 0] = (0.0, 0.5, 1.0)
        y = trial.random.uniform(-1.5, 1.5, _SHAPE).astype(np.float32)
        cotangents = [
            trial.random.normal(size=size).astype(np.float32) for size in (_SHAPE, _SHAPE[:1])
        ]
        reply = trial.probe("preprocess", [x, y, *cotangents], alpha=alpha)
        if "other" in reply:
            other = reply.value("other")
            yield not_an_array(other, trial.name) or Finding(
                "type", f"{trial.name} returns {other.words}, not a bijector."
            )
            return
        for key in ("value", "log_det", "inverse"):
            reply.value(key)  # nonsense in any of them is told as such
        calls.append(_Call(x.astype(float), y.astype(float), alpha, cotangents, reply))
    for call in calls:
        if call.value.kind != "array":
            yield not_an_array(call.value, "forward of the bijector")
            return
    formula = _right
    if not _matches(calls, _right):
        finding, formula = _diagnosis(calls)
        yield finding
    yield from wrong_dtype(calls[0].value, "forward of the bijector")
    if formula is not None:
        yield from _rest(calls, formula, trial.random)


def _matches(calls: list[_Call], formula: Formula, *, inside: bool = False) -> bool:
    """Whether a formula gives the values; ``inside`` leaves the ends of [0, 1] out."""
    for call in calls:
        x, actual = call.x, call.value.array
        where = (x > 0) & (x < 1) if inside else np.ones(x.shape, bool)
        if actual.shape != x.shape:
            return False
        expected = formula(x, call.alpha)[where]
        fine = np.isfinite(expected)
        if not close(actual[where][fine], expected[fine]):
            return False
    return True


def _diagnosis(calls: list[_Call]) -> tuple[Finding, Formula | None]:
    for kind, message, formula in _MISTAKES:
        if _matches(calls, formula, inside=True):
            return Finding(kind, message), formula
    wrong = not_an_array(calls[0].value, "forward of the bijector")
    return wrong or Finding("values", "forward of the bijector gives wrong values."), None


def _rest(calls: list[_Call], formula: Formula, random: np.random.Generator) -> Iterator[Finding]:
    """Whether log-dets, inverses and gradients are those of the values."""
    checks = {
        "log_det": ("The log-det of the bijector does not fit its values.", _log_det_fits),
        "inverse": ("The inverse of the bijector does not fit its values.", _inverse_fits),
    }
    for kind, (message, fits) in checks.items():
        if not all(fits(call, formula) for call in calls):
            yield Finding(kind, message)
    if any(_is_cut(call, formula, random) for call in calls):
        yield told("its input")


def _slope(formula: Formula, x: np.ndarray, alpha: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return (formula(x + _STEP, alpha) - formula(x - _STEP, alpha)) / (2 * _STEP)


def _log_det_fits(call: _Call, formula: Formula) -> bool:
    value = call.reply.value("log_det")
    with np.errstate(all="ignore"):
        expected = np.log(abs(_slope(formula, call.x, call.alpha))).sum(axis=(1, 2, 3))
    if value.kind != "array":
        return False
    told = value.array
    if formula is not _right and told.shape == ():
        told = np.broadcast_to(told, expected.shape)  # TFP's, where it is constant
    if told.shape != expected.shape:
        return False
    fine = np.isfinite(expected)
    return close(told[fine], expected[fine])


def _inverse_fits(call: _Call, formula: Formula) -> bool:
    """Whether what the inverse gives is mapped back to what it was given, where that can be."""
    value = call.reply.value("inverse")
    if value.kind != "array" or value.array.shape != call.y.shape:
        return False
    if formula is _right:
        expected = (_sigmoid(call.y) - call.alpha) / (1 - 2 * call.alpha)
        return close(value.array, expected)
    with np.errstate(all="ignore"):
        again = formula(value.array.astype(float), call.alpha)
    fine = np.isfinite(again)
    return close(again[fine], call.y[fine])


def _is_cut(call: _Call, formula: Formula, random: np.random.Generator) -> bool:
    """Of values and log-dets together, inside of [0, 1], and of the inverse."""
    inside = (call.x > 0) & (call.x < 1)
    entries, images = (cotangent.astype(float) for cotangent in call.cotangents)
    slope = _slope(formula, call.x, call.alpha)
    with np.errstate(all="ignore"):
        bend = np.log(abs(_slope(formula, call.x + _STEP, call.alpha)))
        bend -= np.log(abs(_slope(formula, call.x - _STEP, call.alpha)))
    expected = entries * slope + images[:, None, None, None] * bend / (2 * _STEP)
    (forth,) = gradients_of(call.reply) or (None,)
    if forth is None or forth.kind != "array" or forth.array.shape != expected.shape:
        return True
    where = inside & np.isfinite(expected)
    if not close(forth.array[where], expected[where], relative=1e-2, absolute=1e-2):
        return True
    if formula is not _right:
        return False

    def total(arrays) -> float:
        return float((entries * (_sigmoid(arrays[0]) - call.alpha) / (1 - 2 * call.alpha)).sum())

    return bool(cut(total, [call.y], gradients_of(call.reply, "gradients_back"), random))
