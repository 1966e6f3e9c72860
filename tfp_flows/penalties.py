"""Penalties that bijectors add to the loss of a training step."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

_collecting: contextvars.ContextVar[list[tf.Tensor] | None] = contextvars.ContextVar(
    "penalties", default=None
)


def add_penalty(value: tf.Tensor) -> None:
    """Adds a scalar, in nats an example, to the loss of the step that runs; nothing without one."""
    penalties = _collecting.get()
    if penalties is not None:
        penalties.append(value)


@contextlib.contextmanager
def collected_penalties() -> Iterator[list[tf.Tensor]]:
    """Collects what bijectors add during a pass, for training loops of one's own."""
    penalties: list[tf.Tensor] = []
    token = _collecting.set(penalties)
    try:
        yield penalties
    finally:
        _collecting.reset(token)
