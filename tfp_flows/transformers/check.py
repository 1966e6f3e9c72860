"""Checks of transformers on random parameters."""

import numpy as np
import tensorflow as tf

from tfp_flows.transformers.base import Transformer

_POINTS, _SCALES = 41, (0.1, 1.0, 3.0)
_STEP, _TOLERANCE, _MOSTLY = 1e-3, 1e-2, 0.9


def check_transformer(transformer: Transformer, dtype: tf.DType, owner: str) -> None:
    """Checks on random parameters that a transformer is monotone, and that its log-slopes are so.

    Transformers of this package are not checked.

    Args:
        transformer: The transformer.
        dtype: In which it will compute.
        owner: Name of the bijector, for the error.

    Raises:
        ValueError: If it is not monotone, its log-slope is not that of its values, or its
            directions are not inverse to each other.
    """
    if type(transformer).__module__.startswith("tfp_flows."):
        return
    with tf.init_scope():
        y, parameters = _points(transformer, dtype)
        x, log_slope = transformer.inverse(y, parameters)
        # By differences: this may run while another function is traced, where no tape records.
        after, before = (transformer.inverse(y + s, parameters)[0] for s in (_STEP, -_STEP))
        back, log_slope_back = transformer.forward(x, parameters)
    name = f"{owner}: {type(transformer).__name__}"
    rises = np.diff(x.numpy(), axis=-1)
    if not ((rises > 0).all() or (rises < 0).all()):
        raise ValueError(f"{name} is not strictly monotone, so that it has no inverse.")
    slope = np.abs(after - before) / (2 * _STEP)
    right = np.abs(np.log(slope) - log_slope) < _TOLERANCE
    right &= np.abs(log_slope + log_slope_back) < _TOLERANCE
    # A kink is no fault.
    if right.mean() < _MOSTLY:
        raise ValueError(f"{name} returns log-slopes that are not those of its values.")
    if not np.max(np.abs(back - y)) < _TOLERANCE:
        raise ValueError(f"{name}: forward does not undo inverse.")


def bends(transformer: Transformer, dtype: tf.DType) -> bool:
    """Whether a transformer is anything but a straight line, for some parameters."""
    with tf.init_scope():
        x = transformer.inverse(*_points(transformer, dtype))[0].numpy()
    steps = np.diff(x, axis=-1)
    spread = steps.max(axis=-1) - steps.min(axis=-1)
    return bool((spread > _TOLERANCE * np.abs(steps).max(axis=-1)).any())


def _points(transformer: Transformer, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    """Evenly spaced points, once for each of some random parameters."""
    generator = np.random.default_rng(0)
    shape = [len(_SCALES), _POINTS, transformer.num_parameters]
    raw = np.array(_SCALES)[:, None, None] * generator.normal(size=[shape[0], 1, shape[2]])
    parameters = tf.constant(np.broadcast_to(raw, shape), dtype)
    return tf.constant(np.tile(np.linspace(-3, 3, _POINTS), (shape[0], 1)), dtype), parameters
