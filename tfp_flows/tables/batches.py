"""A function of rows, evaluated in batches of few sizes."""

import numpy as np
import tensorflow as tf

_LEAST, _BATCH = 256, 2048


def in_batches(function, first: np.ndarray, context: np.ndarray | None, *more) -> np.ndarray:
    """Results for rows, in batches of few sizes, as each is a graph; the last is filled up.

    Args:
        function: Of arrays ``[size, ...]``, the context last if there is one.
        first: ``[rows, ...]``.
        context: ``[rows, ...]``, or None.
        *more: Further arrays, behind the first.
    """
    arrays = [first, *more] + ([] if context is None else [context])
    if not len(first):  # no rows; of one, to see the shape
        arrays = [np.zeros([1, *a.shape[1:]], a.dtype) for a in arrays]
        return function(*map(tf.constant, arrays)).numpy()[:0]
    count = len(first)
    size = min(_BATCH, max(_LEAST, 1 << (count - 1).bit_length()))
    results = []
    for start in range(0, count, size):
        parts = [a[start : start + size] for a in arrays]
        lacking = size - len(parts[0])
        full = [np.concatenate([p, np.repeat(p[-1:], lacking, axis=0)]) for p in parts]
        result = function(*map(tf.constant, full)).numpy()
        results.append(result[: size - lacking])
    return np.concatenate(results)
