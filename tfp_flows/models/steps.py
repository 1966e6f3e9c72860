"""Several training steps as one compiled program.

Keras compiles a step and calls it again and again, and each call hands all weights and their
moments in and out. Here the loop over the steps is inside the program, where they stay in place.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from tfp_flows.checks import collected_checks, first_failed
from tfp_flows.keras_worlds import KERAS3, steps_per_execution
from tfp_flows.models import data as rows
from tfp_flows.models.feed import Feed

MOST_STEPS = 16
MOST_BYTES = 2**26


def steps_per_call(stream, steps_per_epoch: int | None) -> int:
    """How many steps to run in one call.

    tf_keras runs several steps in a call only if it knows how many there are.

    Args:
        stream: The training data, in batches or as a feed.
        steps_per_epoch: What the user asked for; calls must not run over it.
    """
    most, batches = MOST_STEPS, None
    if isinstance(stream, Feed):
        most, batches = max(1, min(most, MOST_BYTES // stream.bytes)), stream.batches
    elif isinstance(stream, tf.data.Dataset):
        parts = [part for part in rows.unpack(stream.element_spec) if part is not None]
        shapes = [(spec.shape, spec.dtype.size) for spec in tf.nest.flatten(parts)]
        size = sum(
            math.prod(n or 1 for n in shape) * width for shape, width in shapes if shape.rank
        )
        most = max(1, min(most, MOST_BYTES // max(size, 1)))
        batches = int(stream.cardinality().numpy())
    if steps_per_epoch is not None:
        return max(k for k in range(1, most + 1) if steps_per_epoch % k == 0)
    if batches is None or batches < 0:
        return most if KERAS3 else 1
    return max(1, min(most, batches))


def set_steps_per_call(model, steps: int) -> None:
    """Changes the number of steps of a call after `compile`."""
    current = steps_per_execution(model)
    if current == steps:
        return
    if KERAS3:
        model.steps_per_execution = steps
    else:
        model._steps_per_execution.assign(steps)
    # They were made for the old number.
    model.train_function = model.test_function = model.predict_function = None


def one_a_call_if_unknown(model, stream) -> None:
    """For `evaluate` and `predict`: tf_keras needs to know how many steps there are for more."""
    if not KERAS3 and not (isinstance(stream, tf.data.Dataset) and int(stream.cardinality()) >= 0):
        set_steps_per_call(model, 1)


def several_steps(model) -> Callable:
    """A function of an iterator of batches, which trains on as many as the model runs in a call.

    They come from the model's feed where it has one.

    Batches of one shape run in one program, a call with fewer of them in the same; a last partial
    batch gets a second one.
    """
    messages: list[str] = []

    @tf.function(jit_compile=True, reduce_retracing=True, autograph=model._needs_autograph)
    def compiled(parts, count):
        def step(i, failed, good):
            with collected_checks() as checks:
                model.train_step(tuple(rows.mapped(lambda t: t[i], part) for part in parts))
            messages[:] = [message for _, message in checks]
            # The mean over an epoch is not finite from the first loss on that is not.
            good += tf.cast(tf.math.is_finite(model._results()["loss"]), tf.int32)
            return i + 1, tf.where(failed >= 0, failed, first_failed(checks)), good

        start = (tf.constant(0), tf.constant(-1), tf.constant(0))
        _, failed, good = tf.while_loop(lambda i, *_: i < count, step, start)
        return model._results(), failed, good

    def run(parts, count):
        logs, failed, good = compiled(parts, count)
        model._good_steps.append(good)
        # The program itself cannot raise.
        if messages and (place := int(failed)) >= 0:
            raise tf.errors.InvalidArgumentError(None, None, messages[place])
        return logs

    longest, usual = 0, None

    def train(iterator):
        nonlocal longest
        most = steps_per_execution(model)
        # tf_keras asks for fewer in the last call of an epoch; the program stays the same.
        longest = max(longest, most)
        model._good_steps.clear()
        if model._feed is None:
            return from_stream(iterator, most)
        logs = None
        for parts, count in model._feed.take(most, longest):
            logs = run(parts, tf.constant(count))
        return logs

    def from_stream(iterator, most):
        nonlocal usual
        logs, waiting = None, []
        for _ in range(most):
            try:
                parts = rows.unpack(next(iterator))
                rows.check_batch(model.flow, *parts)
            except (StopIteration, tf.errors.OutOfRangeError):
                if logs is None and not waiting:
                    raise
                break
            parts = [rows.mapped(tf.convert_to_tensor, part) for part in parts]
            usual = usual or _shapes(parts)
            if waiting and _shapes(parts) != _shapes(waiting[0]):
                logs, waiting = run(*_stacked(waiting, longest, usual)), []
            waiting.append(parts)
        return run(*_stacked(waiting, longest, usual)) if waiting else logs

    return train


def _shapes(parts):
    return [rows.mapped(lambda t: (t.shape, t.dtype), part) for part in parts]


def _stacked(batches, longest, usual):
    """Batches of one shape as ``[longest, ...]`` and their number; a last partial one by itself."""
    count = len(batches)
    length = 1 if count == 1 and _shapes(batches[0]) != usual else longest

    def stack(parts):
        if parts[0] is None:
            return None
        filled = [*parts, *[parts[-1]] * (length - count)]
        return tf.nest.map_structure(lambda *same: tf.stack(same), *filled)

    return [stack(parts) for parts in zip(*batches, strict=True)], tf.constant(count)
