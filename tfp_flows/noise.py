"""Random numbers that a training step, and no other, draws again."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

_source: contextvars.ContextVar["_Source | None"] = contextvars.ContextVar("noise", default=None)
# XLA on the CPU compiles this one to code that is twenty times faster than its default's;
# TensorFlow's own kernels do not have it.
_COMPILED_ALGORITHM = "threefry"
_DRAWS = 2**16


class _Source:
    def __init__(self, seed, step, compiled):
        self._seed, self._step = tf.cast(seed, tf.int64), tf.cast(step, tf.int64)
        self._options = {"alg": _COMPILED_ALGORITHM} if compiled else {}
        self._draws = 0

    def draw(self, function, shape, **options):
        seed = tf.stack([self._seed, self._step * _DRAWS + self._draws])
        self._draws += 1
        return function(shape, seed, **options, **self._options)


@contextlib.contextmanager
def seeded(seed, step, *, compiled: bool = False) -> Iterator[None]:
    """What is drawn inside depends on seed, step and the order of the draws alone.

    Outside of it TensorFlow's global generator is used, whose state nobody can save and which
    programs of XLA do not follow.

    Args:
        seed: Integer, or a scalar tensor.
        step: Which step it is; integer, or a scalar tensor.
        compiled: Whether the numbers are drawn by a program of XLA.
    """
    token = _source.set(_Source(seed, step, compiled))
    try:
        yield
    finally:
        _source.reset(token)


def uniform(shape, low=0.0, high=1.0, dtype=tf.float32) -> tf.Tensor:
    """Numbers in ``[low, high)``."""
    source, bounds = _source.get(), {"minval": low, "maxval": high, "dtype": dtype}
    if source is None:
        return tf.random.uniform(shape, **bounds)
    return source.draw(tf.random.stateless_uniform, shape, **bounds)


def normal(shape, dtype=tf.float32) -> tf.Tensor:
    """Standard normal numbers."""
    source = _source.get()
    if source is None:
        return tf.random.normal(shape, dtype=dtype)
    return source.draw(tf.random.stateless_normal, shape, dtype=dtype)
