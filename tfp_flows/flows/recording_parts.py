"""What the flows of recordings share: their shape, and samples as numbers near zero."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bijectors import Dequantize
from tfp_flows.errors import unknown_name

# What the 1x1 maps start as: the first, and all others.
INITIAL = {"subbands": ("cosines", "reversal"), "rotation": ("rotation", "rotation")}
MAX_LOG_SCALE = 3.0


def chosen_of(presets, preset: str, given) -> dict:
    """The arguments of a preset, but those that are given (not None).

    Raises:
        InputError: If the preset or what 1x1 maps start as is unknown; the nearest is suggested.
    """
    if preset not in presets:
        raise unknown_name("preset", preset, presets)
    chosen = presets[preset] | {k: value for k, value in given.items() if value is not None}
    if chosen["initial"] not in INITIAL:
        raise unknown_name("initial", chosen["initial"], INITIAL)
    return chosen


def recording_shape(event_shape, flow: str) -> tuple[int | None, int]:
    """The shape ``(length, 1)`` of a recording, of free length None.

    Raises:
        ValueError: If the shape is another one.
    """
    shape = shapes.as_shape(event_shape, "event_shape", free=True)
    if len(shape) != 2 or shape[1] != 1:
        raise ValueError(
            f"{flow} models recordings [length, 1], got event_shape {shape}; mix channels to one."
        )
    return shape


def dequantized(shape, bins: int | None, dtype) -> list:
    """From samples in [-1, 1) to numbers in [-0.5, 0.5), dequantised; nothing without bins."""
    if bins is None:
        return []
    return [
        tfp.bijectors.Shift(tf.constant(-1, dtype)),
        tfp.bijectors.Scale(tf.constant(2 / bins, dtype)),
        Dequantize(event_shape=shape, bins=bins, dtype=dtype),
        tfp.bijectors.Shift(tf.constant(0.5, dtype)),
    ]
