"""Whether a target can be fitted by reverse KL, before a fit begins."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.kinds.targets.source import TargetSource

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_DRAWS = 512


def check(source: TargetSource, flow: "Flow", seed: int) -> None:
    """Evaluates a target and its gradient at draws of the flow with which a fit begins.

    Args:
        source: The target; its ``compiled`` becomes false if XLA cannot compile it.
        flow: The untrained flow.
        seed: Of the draws.

    Raises:
        InputError: If the function fails, returns another shape or no real numbers, is not
            differentiable, or is not finite at some of the draws.
    """
    points = flow.sample(_DRAWS, seed=(seed, 0))

    def evaluate(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = source.log_density(x)
            _check_value(source, value, x)
        gradient = tape.gradient(value, x)
        if gradient is None:
            raise InputError(
                f"{source.name} is not differentiable: its result does not depend on its points "
                "by operations that have gradients; write it with operations of TensorFlow."
            )
        return value, gradient

    value, gradient = _run(evaluate, points, source)
    for what, array in (("value", value), ("gradient", gradient)):
        finite = np.isfinite(array).reshape(_DRAWS, -1).all(axis=1)
        _check_finite(source, what, finite)


def _run(evaluate, points, source) -> list[np.ndarray]:
    try:
        results = [part.numpy() for part in tf.function(evaluate, autograph=False)(points)]
    except InputError:
        raise
    except Exception as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise InputError(
            f"{source.name} fails at points of shape {tuple(points.shape)} with "
            f"{type(error).__name__}: {first.rstrip('.')}; it gets a tensor and must use "
            "operations of TensorFlow."
        ) from error
    source.compiled = source.formula is not None or _compiles(evaluate, points)
    return results


def _compiles(evaluate, points) -> bool:
    try:
        tf.function(evaluate, jit_compile=True, autograph=False)(points)
    except (tf.errors.OpError, ValueError, TypeError, NotImplementedError):
        return False
    return True


def _check_value(source, value, points) -> None:
    if not tf.is_tensor(value):
        raise InputError(
            f"{source.name} returns {type(value).__name__}, not a tensor of log-densities [n]; "
            "write it with operations of TensorFlow."
        )
    if value.shape != points.shape[:1]:
        raise InputError(
            f"{source.name} returns shape {tuple(value.shape)} for points of shape "
            f"{tuple(points.shape)}; return one log-density a point, {tuple(points.shape[:1])}."
        )
    if value.dtype != points.dtype:
        raise InputError(
            f"{source.name} returns {value.dtype.name} for points of {points.dtype.name}; return "
            "their dtype, or choose another --dtype."
        )


def _check_finite(source, what: str, finite: np.ndarray) -> None:
    if finite.all():
        return
    missing = int((~finite).sum())
    share = "every one" if not finite.any() else f"{missing}"
    raise InputError(
        f"The {what} of {source.name} is not finite at {share} of {len(finite)} draws of the flow "
        f"it begins with (deviation {source.spread:g}); give a log-density that is finite "
        "everywhere, very low instead of -inf, or another --spread."
    )
