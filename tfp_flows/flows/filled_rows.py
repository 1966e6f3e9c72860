"""Arguments of a flow as arrays with one axis of rows, filled up to a number of them."""

import numpy as np
import tensorflow as tf

from tfp_flows.real import real_array


def rows_of(value, event, dtype, context, context_shape, context_dtype):
    """Values and contexts, broadcast against each other, as arrays of rows.

    Args:
        value: ``[..., *event]``, an array or a tensor.
        event: Shape of an event; None for free lengths.
        dtype: Of the value.
        context: ``[..., *context_shape]``, a dict of such, or None.
        context_shape: Shape of a context, or a dict of them; None if there is none.
        context_dtype: Dtype of the context, or a dict of them.

    Returns:
        Arrays ``[n, ...]`` of the value and of the contexts, by the order of their names, and the
        batch shape, whose product is ``n``. None if an argument is of another kind, shape or dtype.

    Raises:
        InputError: If an array holds anything but real numbers.
    """
    named = [("x", value, event, dtype)]
    if (context is None) != (context_shape is None):
        return None
    if isinstance(context_shape, dict):
        if not isinstance(context, dict) or context.keys() != context_shape.keys():
            return None
        for name in sorted(context):
            shape, kind = context_shape[name], context_dtype[name]
            named.append((f"context[{name!r}]", context[name], shape, kind))
    elif context is not None:
        named.append(("context", context, context_shape, context_dtype))
    arrays, batches = [], []
    for name, given, shape, kind in named:
        array = _array(given, name, tf.as_dtype(kind))
        split = -1 if array is None else array.ndim - len(shape)
        if split < 0:
            return None
        sizes = zip(array.shape[split:], shape, strict=True)
        if any(wanted not in (None, size) for size, wanted in sizes):
            return None
        arrays.append(array)
        batches.append(array.shape[:split])
    if len(arrays) == 1 and len(batches[0]) == 1:
        return arrays, batches[0]
    return _broadcast(arrays, batches)


def _broadcast(arrays, batches):
    try:
        batch = np.broadcast_shapes(*batches)
    except ValueError:
        return None
    count, flat = int(np.prod(batch)), []
    for array, own in zip(arrays, batches, strict=True):
        event = array.shape[len(own) :]
        flat.append(np.broadcast_to(array, (*batch, *event)).reshape(count, *event))
    return flat, batch


def _array(given, name, dtype):
    """An argument in its dtype; None where the flow is asked instead."""
    if type(given) is np.ndarray and given.dtype == dtype.as_numpy_dtype:
        return given
    if isinstance(given, np.ndarray):
        array = real_array(given, name, booleans=True)
    elif isinstance(given, tf.Tensor) and given.dtype == dtype:
        array = given.__array__()
    else:
        return None
    if not dtype.is_floating and array.dtype.kind == "f":
        return None
    return array.astype(dtype.as_numpy_dtype, copy=False)


def filled(array: np.ndarray, size: int) -> np.ndarray:
    """An array with copies of its first row, or a row of zeros if there is none, up to a size."""
    missing = size - len(array)
    if not missing:
        return array
    row = array[:1] if len(array) else np.zeros([1, *array.shape[1:]], array.dtype)
    return np.concatenate([array, np.repeat(row, missing, axis=0)])
