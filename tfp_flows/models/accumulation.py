"""One step of a large batch, in the memory of a part of it.

The parts of a batch are worked through one after the other, and their gradients are summed, before
the optimizer takes its one step. So whatever looks at steps (schedules, clipping, moving averages,
callbacks, resuming) is as without, in both Keras: unlike with Keras 3's own
``gradient_accumulation_steps``, where a step of the optimizer takes several of training.
"""

from collections.abc import Callable

import tensorflow as tf

from tfp_flows.checks import checks_carried, collected_checks, first_failed
from tfp_flows.errors import InputError
from tfp_flows.models import data as rows


def check_optimizer(optimizer, accumulate: int) -> None:
    """Checks that batches are not cut in two ways.

    Raises:
        InputError: If the optimizer accumulates gradients itself.
    """
    own = getattr(optimizer, "gradient_accumulation_steps", None)
    if accumulate > 1 and own:
        raise InputError(
            f"accumulate is {accumulate}, and the optimizer has gradient_accumulation_steps={own}; "
            "leave one of them out."
        )


def refuse_parts(model, why: str) -> None:
    """Raises an `InputError` if batches are cut into parts, where that would change the loss."""
    parts = getattr(model, "_compile_options", {}).get("accumulate", 1)
    if parts > 1:
        raise InputError(f"accumulate is {parts}, and {why}; compile the model without it.")


def summed_gradients(function: Callable, batch, count: int, variables: list) -> list:
    """What a function of a batch gives, summed over its parts.

    Args:
        function: Function of a part ``(x, context, weight)``, its number and its share of the
            batch's weight, which gives a gradient, or None, for each variable.
        batch: ``x``, ``(x, context)`` or ``(x, context, weight)``.
        count: Number of parts. Rows that do not divide by it are filled up with some of no weight.
        variables: The variables.
    """
    parts, shares = _cut(batch, count)
    absent: list[bool] = []
    messages: list[str] = []

    def add(i, failed, *sums):
        with collected_checks() as checks:
            part = tuple(rows.mapped(lambda whole: whole[i], each) for each in parts)
            found = function(part, i, shares[i])
        absent[:] = [each is None for each in found]
        messages[:] = [message for _, message in checks]
        failed = tf.where(failed >= 0, failed, first_failed(checks))
        pairs = zip(sums, found, strict=True)
        return i + 1, failed, *[s if g is None else s + tf.convert_to_tensor(g) for s, g in pairs]

    zeros = [tf.zeros(variable.shape, variable.dtype) for variable in variables]
    start = (tf.constant(0), tf.constant(-1), *zeros)
    _, failed, *sums = tf.while_loop(
        lambda i, *_: i < count, add, start, parallel_iterations=1, maximum_iterations=count
    )
    checks_carried(failed, messages)
    return [None if no else total for no, total in zip(absent, sums, strict=True)]


def _cut(batch, count):
    """The parts, ``[count, n, ...]`` each, and the share ``[count]`` of the weight of each."""
    x, context, weight = rows.unpack(batch)
    x = tf.convert_to_tensor(x)
    static, length = x.shape[0], tf.shape(x)[0]
    size = -(-length // count) if static is None else -(-static // count)
    places = tf.range(count * size)
    if static is None or static % count:
        weight = tf.ones([length], tf.float32) if weight is None else weight
        there = places < length
        # Of rows that stand twice, the second one has no weight.
        places %= length

    def part(each):
        each = tf.gather(each, places)
        lengths = tf.shape(each)[1:]
        cut = tf.reshape(each, tf.concat([[count, size], lengths], axis=0))
        known = None if static is None else size
        return tf.ensure_shape(cut, [count, known, *each.shape[1:]])

    cut = [rows.mapped(part, each) for each in (x, context, weight)]
    if weight is None:
        return cut, tf.fill([count], tf.constant(1 / count, tf.float64))
    if static is None or static % count:
        cut[2] *= tf.cast(tf.reshape(there, [count, size]), cut[2].dtype)
    each = tf.reduce_sum(tf.cast(cut[2], tf.float64), axis=1)
    return cut, tf.math.divide_no_nan(each, tf.reduce_sum(each))
