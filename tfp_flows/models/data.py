"""What `fit`, `evaluate` and `predict` take: arrays, pairs and `tf.data`, checked once."""

import math

import numpy as np
import tensorflow as tf

from tfp_flows.real import real_array
from tfp_flows.spread import check_precision

ADAPT_ROWS = 100_000
# Images need far more memory a row on their way through a flow.
ADAPT_IMAGES = 512


def is_stream(data) -> bool:
    """Whether ``data`` is a dataset, generator or the like rather than arrays."""
    return not (isinstance(data, np.ndarray | list | tuple) or tf.is_tensor(data)) and not hasattr(
        data, "__array__"
    )


def as_pair(x, context, name: str):
    """Splits ``(x, context)`` given as one; a context given twice is an error.

    Raises:
        ValueError: If a pair comes with a context besides, or is not a pair.
    """
    if not isinstance(x, tuple):
        return x, context
    if len(x) != 2 or context is not None:
        raise ValueError(f"{name} must be an array or a pair (x, context), got {len(x)} parts.")
    return x


def as_arrays(flow, x, context, sample_weight=None, name="x", spread=False) -> tuple:
    """Converts and checks arrays for a flow.

    Args:
        flow: The flow, which says shapes and dtype.
        x: ``[n, *event_shape]``.
        context: ``[n, *context_shape]`` or None.
        sample_weight: ``[n]`` or None.
        name: What the arrays are, for errors.
        spread: Whether data and context are refused if their spread gets lost in the flow's
            precision; see `tfp_flows.spread.check_precision`.

    Returns:
        ``(x,)``, ``(x, context)`` or ``(x, context, sample_weight)`` as NumPy arrays; an absent
        context before weights is an empty array.

    Raises:
        ValueError: If a shape does not fit, rows are missing, a value is NaN or infinite, or the
            arrays hold anything but real numbers.
    """
    dtype = flow.dtype.as_numpy_dtype
    x = _checked(x, tuple(flow.event_shape), dtype, name, spread)
    rows = len(x)
    if (context is None) != (flow.context_shape is None):
        state = "needs a context" if context is None else "takes no context, but one was given"
        raise ValueError(f"This flow {state} (context_shape={flow.context_shape}).")
    parts = [x]
    if context is not None:
        parts.append(_checked(context, flow.context_shape, dtype, "context", spread))
    if sample_weight is not None:
        if context is None:
            parts.append(np.zeros((rows, 0), dtype))
        parts.append(_checked(sample_weight, (), dtype, "sample_weight"))
    for part in parts[1:]:
        if len(part) != rows:
            raise ValueError(f"{name} has {rows} rows, but its context or weights {len(part)}.")
    return tuple(parts)


def _checked(values, shape, dtype, name, spread=False):
    array = real_array(values, name, booleans=name in ("context", "sample_weight"))
    if array.ndim != len(shape) + 1 or array.shape[1:] != tuple(shape) or not len(array):
        expected = ", ".join(["n", *map(str, shape)])
        raise ValueError(f"{name} has shape {array.shape}, expected [{expected}] with n > 0.")
    with np.errstate(over="ignore"):
        narrow = array.astype(dtype)
    finite = np.isfinite(narrow)
    if not finite.all():
        first = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name} holds {int((~finite).sum())} NaN or infinite values, the first at index "
            f"{tuple(int(i) for i in first)}; drop or repair those rows."
        )
    if spread:
        check_precision(array, dtype, name)
    return narrow


def array_dataset(arrays: tuple, batch_size: int, shuffle: bool) -> tf.data.Dataset:
    """Batches of rows, the last partial one included, reshuffled at each pass if asked for."""
    rows = len(arrays[0])
    tensors = tuple(tf.constant(array) for array in arrays)
    indices = tf.data.Dataset.range(rows)
    if shuffle:
        indices = indices.shuffle(rows, reshuffle_each_iteration=True)

    def gather(places):
        return tuple(tf.gather(tensor, places) for tensor in tensors)

    batches = indices.batch(batch_size).map(gather).prefetch(tf.data.AUTOTUNE)
    return batches.apply(tf.data.experimental.assert_cardinality(math.ceil(rows / batch_size)))


def split_rows(arrays: tuple, fraction: float) -> tuple[tuple, tuple]:
    """Cuts the last ``fraction`` of the rows off for validation, as Keras does.

    Raises:
        ValueError: If the fraction is not in (0, 1) or leaves one side without rows.
    """
    rows = len(arrays[0])
    cut = int(rows * (1 - fraction)) if 0 < fraction < 1 else 0
    if not 0 < cut < rows:
        raise ValueError(
            f"validation_split={fraction!r} of {rows} rows leaves no training or validation rows."
        )
    return tuple(a[:cut] for a in arrays), tuple(a[cut:] for a in arrays)


def unpack(batch) -> tuple:
    """A batch as ``(x, context, sample_weight)``, with None for what is absent."""
    if isinstance(batch, tuple | list) and len(batch) == 1 and isinstance(batch[0], tuple | list):
        batch = batch[0]
    if isinstance(batch, dict):
        raise ValueError(
            f"A batch is x, (x, context) or (x, context, weight), got a dict of {sorted(batch)}."
        )
    if not isinstance(batch, tuple | list):
        return batch, None, None
    if len(batch) > 3:
        raise ValueError(f"A batch is x, (x, context) or (x, context, weight), got {len(batch)}.")
    x, context, weight = (*batch, None, None, None)[:3]
    if context is not None and len(context.shape) == 2 and context.shape[-1] == 0:
        context = None
    return x, context, weight


def as_real(part, dtype: tf.DType) -> tf.Tensor | None:
    """A part of a batch in the flow's dtype; None stays.

    Raises:
        ValueError: If it holds complex numbers, text or the like, which a cast would mutilate.
    """
    if part is None:
        return None
    part = tf.convert_to_tensor(part)
    if not (part.dtype.is_floating or part.dtype.is_integer or part.dtype.is_bool):
        raise ValueError(f"A batch must hold real numbers, got {part.dtype.name}; convert them.")
    return tf.cast(part, dtype)


def adapt_sample(data) -> tuple:
    """At most `ADAPT_ROWS` vectors or `ADAPT_IMAGES` images of the data, as ``(x, context)``.

    Raises:
        ValueError: If the data are empty, or an iterator, whose rows would be lost to training.
    """
    if isinstance(data, tuple):
        step = max(1, math.ceil(len(data[0]) / _most_rows(data[0])))
        x, context, _ = unpack(tuple(tf.constant(array[::step]) for array in data))
        return x, context
    if hasattr(data, "__next__"):
        raise ValueError(
            "An iterator can be read only once, and the flow must see data before training: call "
            "flow.adapt on a sample first, or give arrays or a tf.data.Dataset."
        )
    parts, rows = [], 0
    for batch in data:
        x, context, _ = unpack(batch)
        parts.append((x, context))
        rows += len(x)
        if rows >= _most_rows(x):
            break
    if not parts:
        raise ValueError("The data are empty.")
    contexts = [context for _, context in parts]
    joined = None if contexts[0] is None else np.concatenate([np.asarray(c) for c in contexts])
    return np.concatenate([np.asarray(x) for x, _ in parts]), joined


def _most_rows(x) -> int:
    return ADAPT_ROWS if len(x.shape) <= 2 else ADAPT_IMAGES
