"""Checks of results that are known only once they are computed."""

import contextlib
import contextvars
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

_collecting: contextvars.ContextVar[list | None] = contextvars.ContextVar("checks", default=None)


def checked(values: list[tf.Tensor], done, message: str, evaluations) -> list[tf.Tensor]:
    """The values if they are results, and an error, or no numbers, if they are not.

    A program that XLA compiled cannot raise. There the values become NaN, and who collects the
    checks can raise in its place.

    Args:
        values: Tensors of any shape.
        done: Whether they are results, a scalar boolean.
        message: Says what is wrong and what to do.
        evaluations: How many evaluations they took, which the error tells.

    Raises:
        tf.errors.InvalidArgumentError: If not.
    """
    checks = _collecting.get()
    if checks is not None:
        checks.append((done, message))
    check = tf.debugging.Assert(done, [f"{message} Evaluations:", evaluations])
    with tf.control_dependencies([] if check is None else [check]):
        return [tf.where(done, value, tf.cast(np.nan, value.dtype)) for value in values]


@contextlib.contextmanager
def collected_checks() -> Iterator[list[tuple[tf.Tensor, str]]]:
    """Collects what is checked during a pass, with the messages."""
    checks: list[tuple[tf.Tensor, str]] = []
    token = _collecting.set(checks)
    try:
        yield checks
    finally:
        _collecting.reset(token)


def first_failed(checks: list[tuple[tf.Tensor, str]]) -> tf.Tensor:
    """The place of the first check that failed, and -1 if none did."""
    place = tf.constant(-1)
    for i, (done, _) in reversed(list(enumerate(checks))):
        place = tf.where(done, place, i)
    return place


def checks_carried(failed: tf.Tensor, messages: list[str]) -> None:
    """Tells who collects checks of those of a loop, whose tensors cannot be seen outside of it.

    Args:
        failed: The place of the first that failed in any round, or -1.
        messages: Their messages.
    """
    checks = _collecting.get()
    if checks is not None:
        checks.extend((tf.not_equal(failed, i), text) for i, text in enumerate(messages))
