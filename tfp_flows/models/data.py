"""What `fit`, `evaluate` and `predict` take: arrays, pairs and `tf.data`, checked once."""

import math
import numbers
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfp_flows.embedding import check_names
from tfp_flows.real import real_array
from tfp_flows.spread import check_precision

ADAPT_ROWS = 100_000
# Images need far more memory a row on their way through a flow.
ADAPT_IMAGES = 512
FEWEST_IMAGES, ADAPT_PIXELS, ADAPT_ENTRIES = 64, 2**19, 2**26
# What tf.data says that None is like; the class has no public name.
_NONE = "NoneTensorSpec"


def is_stream(data) -> bool:
    """Whether ``data`` is a dataset, generator or the like rather than arrays.

    Raises:
        TypeError: If it is a dict, of which nobody knows what is what.
    """
    if isinstance(data, Mapping):
        names = list(data)
        if set(names) <= {"x", "context", "sample_weight"}:
            way = "give its entries by name, as in fit(**data)"
        else:
            way = "join its columns, as in np.stack(list(data.values()), axis=-1)"
        raise TypeError(f"The data are a dict of {names}, where an array is expected; {way}.")
    return not (isinstance(data, np.ndarray | list | tuple) or tf.is_tensor(data)) and not hasattr(
        data, "__array__"
    )


def as_pair(flow, x, context, name: str):
    """Splits ``(x, context)``, or ``[x, context]``, given as one.

    Raises:
        ValueError: If a pair comes with a context besides, or is not a pair.
    """
    if isinstance(x, list) and context is None and len(x) == 2:
        # Of a list of rows each has a rank less.
        pair = len(getattr(x[0], "shape", ())) == len(flow.event_shape) + 1
        x = tuple(x) if pair else x
    if not isinstance(x, tuple):
        return x, context
    if len(x) != 2 or context is not None:
        raise ValueError(f"{name} must be an array or a pair (x, context), got {len(x)} parts.")
    return x


def whole(value: int | None, name: str, what: str) -> int | None:
    """A number above 0 that was asked for, or None.

    Raises:
        ValueError: If it is not a whole number above 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of {what} above 0, got {value!r}.")
    return int(value)


def check_stream(flow, stream, name: str = "x") -> None:
    """Checks the batches of a stream that says what they are like, before it is read.

    Raises:
        ValueError: If it is not batched, or its batches do not fit the flow.
    """
    batch = getattr(stream, "element_spec", None)
    if batch is None and hasattr(stream, "__getitem__") and hasattr(stream, "__len__"):
        batch = stream[0] if len(stream) else None
    if batch is not None:
        check_batch(flow, *unpack(batch), name=name)


def check_batch(flow, x, context, weight, name: str = "x") -> None:
    """Checks the shapes of a batch, as far as they are known.

    Args:
        flow: The flow, which says the shapes.
        x: A tensor, or what says its shape, as all that follow.
        context: Likewise, or None.
        weight: Likewise, or None.
        name: What the batch is of, for errors.

    Raises:
        ValueError: If the data are not batched, or do not fit the flow.
    """
    shape, event = x.shape, tf.TensorShape(flow.event_shape)
    if not isinstance(shape, tf.TensorShape):
        shape = tf.TensorShape(shape)
    if shape.rank is not None and not shape[1:].is_compatible_with(event):
        if shape.is_compatible_with(event):
            raise ValueError(
                f"{name} is a stream of single events of shape {tuple(shape)}; batch it, as in "
                "dataset.batch(128)."
            )
        expected = ", ".join(["n", *map(str, flow.event_shape)])
        raise ValueError(f"Batches of {name} have the shape {tuple(shape)}, expected [{expected}].")
    if context is None and flow.context_shape is not None:
        raise ValueError(
            f"Batches of {name} must be pairs (x, context), as this flow needs a context "
            f"(context_shape={flow.context_shape})."
        )
    if context is not None and flow.context_shape is None:
        second = sorted(context) if isinstance(context, dict) else tuple(context.shape)
        raise ValueError(
            f"Batches of {name} have a second part of shape {second}, but this flow "
            "takes no context; leave it out, as in dataset.map(lambda x, *_: x), or give weights "
            "third, as in dataset.map(lambda x, w: (x, None, w))."
        )


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
    if isinstance(context, dict) and not isinstance(flow.context_shape, dict):
        raise ValueError(
            f"This flow takes one array as context (context_shape={flow.context_shape}), got a "
            f"dict of {sorted(context)}."
        )
    if (context is None) != (flow.context_shape is None):
        state = "needs a context" if context is None else "takes no context, but one was given"
        raise ValueError(f"This flow {state} (context_shape={flow.context_shape}).")
    parts = [x]
    if context is not None:
        parts.append(_checked_context(flow, context, spread))
    if sample_weight is not None:
        if context is None:
            parts.append(np.zeros((rows, 0), dtype))
        parts.append(_checked(sample_weight, (), dtype, "sample_weight"))
    for part in tf.nest.flatten(parts[1:]):
        if len(part) != rows:
            raise ValueError(f"{name} has {rows} rows, but its context or weights {len(part)}.")
    return tuple(parts)


def _checked_context(flow, context, spread):
    shape, dtype = flow.context_shape, flow.context_dtype
    if not isinstance(shape, dict):
        return _checked(context, shape, dtype.as_numpy_dtype, "context", spread)
    check_names(context, sorted(shape))
    return {
        name: _checked(
            context[name], shape[name], dtype[name].as_numpy_dtype, f"context[{name!r}]", spread
        )
        for name in sorted(shape)
    }


def _checked(values, shape, dtype, name, spread=False):
    array = real_array(values, name, booleans=name.startswith(("context", "sample_weight")))
    fits = tf.TensorShape(array.shape[1:]).is_compatible_with(shape)
    if not fits or array.ndim == 0 or not len(array):
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
    if np.dtype(dtype).kind != "f":
        if (narrow != array).any():
            raise ValueError(
                f"{name} must hold whole numbers, got others; round them, if so meant."
            )
    elif spread:
        check_precision(array, dtype, name)
    return narrow


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
    first = tf.nest.map_structure(lambda a: a[:cut], arrays)
    return first, tf.nest.map_structure(lambda a: a[cut:], arrays)


def unpack(batch) -> tuple:
    """A batch as ``(x, context, sample_weight)``, with None for what is absent.

    A context may be a dict.
    """
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
    x, context, weight = (
        None if type(part).__name__ == _NONE else part for part in (*batch, None, None, None)[:3]
    )
    single = context is not None and not isinstance(context, dict)
    if single and len(context.shape) == 2 and context.shape[-1] == 0:
        context = None
    return x, context, weight


def mapped(function, part):
    """Applies a function to a part of a batch, or to each entry of a dict; None stays None."""
    return None if part is None else tf.nest.map_structure(function, part)


def adapt_sample(data) -> tuple:
    """At most `ADAPT_ROWS` vectors or `ADAPT_IMAGES` images of the data, as ``(x, context)``.

    Raises:
        ValueError: If the data are empty, or an iterator, whose rows would be lost to training.
    """
    if isinstance(data, tuple):
        x, context, _ = unpack(data)
        step = max(1, math.ceil(len(x) / _most_rows(x, context)))
        return mapped(lambda a: tf.constant(a[::step]), x), mapped(
            lambda a: tf.constant(a[::step]), context
        )
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
        if rows >= _most_rows(x, context):
            break
    if not parts:
        raise ValueError("The data are empty.")

    # Batches of other lengths cannot be joined; of events of free length some stand for all.
    first = _lengths(*parts[0])
    parts = [part for part in parts if _lengths(*part) == first]

    def joined(*values):
        return np.concatenate([np.asarray(value) for value in values])

    x = joined(*(x for x, _ in parts))
    if parts[0][1] is None:
        return x, None
    return x, tf.nest.map_structure(joined, *(context for _, context in parts))


def _lengths(x, context):
    return [tuple(part.shape[1:]) for part in tf.nest.flatten((x, context)) if part is not None]


def _most_rows(x, context=None) -> int:
    if len(x.shape) > 2:
        largest = ADAPT_PIXELS // max(math.prod(x.shape[1:]), 1)
        return min(ADAPT_IMAGES, max(FEWEST_IMAGES, largest))
    entries = 0
    if context is not None:
        entries = sum(math.prod(part.shape[1:]) for part in tf.nest.flatten(context))
    # Images, too, may be contexts.
    return min(ADAPT_ROWS, max(ADAPT_IMAGES, ADAPT_ENTRIES // max(entries, 1)))
