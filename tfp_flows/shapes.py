"""Checks and broadcasting of event, batch and context shapes, in one place."""

import functools
import math
import numbers
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tfp_flows.real import real_array


def as_shape(value: int | Iterable[int], name: str, *, free: bool = False) -> tuple[int, ...]:
    """Normalises an ``int`` or a sequence of positive integers to a tuple.

    Args:
        value: The shape.
        name: What it is, for errors.
        free: Whether None may stand for a length that is free, on any axis but the last.

    Raises:
        ValueError: If an entry is not a positive integer.
    """
    raw = (value,) if isinstance(value, numbers.Integral) else value
    try:
        shape = tuple(None if free and size is None else int(size) for size in raw)
    except (TypeError, ValueError):
        shape = (0,)
    if any(size is not None and size < 1 for size in shape) or shape[-1:] == (None,):
        known = ", but for lengths before the last axis" if free and None in shape else ""
        raise ValueError(
            f"{name} must be positive integers known in advance{known}, got {value!r}."
        )
    return shape


def positive(value: int, name: str) -> int:
    """Checks that a count is a positive integer, and returns it as an ``int``.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    return int(value)


def as_float_dtype(dtype) -> tf.DType:
    """Normalises a dtype to float32 or float64.

    Raises:
        ValueError: If it is another dtype: densities need single precision at least.
    """
    result = tf.as_dtype(dtype)
    if result not in (tf.float32, tf.float64):
        raise ValueError(f"dtype must be float32 or float64, got {result.name}.")
    return result


def checked_array(value, name: str):
    """The value, and where it is an array of NumPy or pandas, one of real numbers.

    TensorFlow drops imaginary parts, masks and the like without a word.

    Raises:
        InputError: If it is an array of anything but real numbers, or of booleans.
    """
    if isinstance(value, np.ndarray) or type(value).__module__.split(".")[0] == "pandas":
        return real_array(value, name, booleans=True)
    return value


def as_float_tensor(value, dtype: tf.DType, name: str) -> tf.Tensor:
    """Converts ``value`` to a tensor of ``dtype``.

    Raises:
        InputError: If it is an array of anything but real numbers, or of booleans.
        TypeError: If it is a tensor of another dtype, which TensorFlow does not cast by itself.
    """
    value = checked_array(value, name)
    if tf.is_tensor(value) and value.dtype != dtype:
        way = f"cast it, as in tf.cast({name}, {dtype.name!r})"
        if value.dtype in (tf.float32, tf.float64):
            way += f", or build the flow with dtype={value.dtype.name!r}"
        raise TypeError(f"{name} has dtype {value.dtype.name}, expected {dtype.name}; {way}.")
    return tf.convert_to_tensor(value, dtype=dtype)


def cast_real(value, dtype: tf.DType, name: str) -> tf.Tensor:
    """Casts a part of a batch.

    Raises:
        ValueError: If it holds complex numbers, text or the like, which a cast would mutilate.
    """
    value = tf.convert_to_tensor(value)
    if not (value.dtype.is_floating or value.dtype.is_integer or value.dtype.is_bool):
        raise ValueError(
            f"{name} must hold real numbers, got {value.dtype.name}; convert them before."
        )
    return tf.cast(value, dtype)


def check_event(value: tf.Tensor, event_shape: tuple[int, ...], name: str, owner: str) -> tf.Tensor:
    """Checks that the rightmost axes of ``value`` are ``event_shape``; unknown ones when it runs.

    Returns:
        The value, with these axes known.

    Raises:
        ValueError: If they are known and differ.
    """
    rank = len(event_shape)
    if value.shape.rank is None:
        raise ValueError(f"{owner}: the rank of {name} must be known, got {value.shape}.")
    if value.shape.rank < rank or not value.shape[value.shape.rank - rank :].is_compatible_with(
        event_shape
    ):
        expected = ", ".join(["...", *map(str, event_shape)])
        raise ValueError(f"{owner}: {name} has shape {value.shape}, expected [{expected}].")
    batch = batch_shape(value, rank)
    if value.shape[batch.rank :].is_fully_defined():
        return value
    return tf.ensure_shape(value, batch.concatenate(list(event_shape)))


def check_same_lengths(
    value, event_shape, context, context_shape, owner: str, factors: tuple[int, ...] | None = None
) -> None:
    """Checks that a context map is as long as its event, where both have free lengths.

    A latent has ``factors`` times fewer places on each axis than its event.

    Raises:
        ValueError: If known lengths differ.
    """
    if len(event_shape) != len(context_shape):
        return
    for axis in range(-len(event_shape), -1):
        own, given = value.shape[axis], context.shape[axis]
        if None in (own, given) or (event_shape[axis], context_shape[axis]) != (None, None):
            continue
        if (length := own * (factors[axis + 1] if factors else 1)) != given:
            raise ValueError(
                f"{owner}: the context has length {given}, but its event length {length}; a "
                "context map has the places of the event."
            )


def divided(length, factor: int, owner: str):
    """A length, or a scalar of a graph, over a factor.

    Raises:
        ValueError: If it is known and the factor does not divide it.
    """
    if not tf.is_tensor(length) and length % factor:
        raise ValueError(
            f"{owner}: a length of {length} is not divisible by {factor}; pad or crop it."
        )
    return length // factor


def batch_shape(value: tf.Tensor, event_ndims: int) -> tf.TensorShape:
    """The static shape without the rightmost ``event_ndims`` axes."""
    return value.shape[: value.shape.rank - event_ndims]


def batch_shape_tensor(value: tf.Tensor, event_ndims: int):
    """The shape without the event axes: static where it is known, else a tensor."""
    static = batch_shape(value, event_ndims)
    if static.is_fully_defined():
        return static.as_list()
    return tf.shape(value)[: value.shape.rank - event_ndims]


def broadcast_batches(
    x: tf.Tensor, x_ndims: int, context: tf.Tensor, context_ndims: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Broadcasts the batch axes of an input and its context against each other."""
    return tuple(broadcast_all([x, context], [x_ndims, context_ndims]))


def broadcast_all(values: list[tf.Tensor], ndims: list[int]) -> list[tf.Tensor]:
    """Broadcasts the batch axes of several tensors, each with event axes of its own."""
    owns = [batch_shape(value, n) for value, n in zip(values, ndims, strict=True)]
    if owns[0].is_fully_defined() and all(own == owns[0] for own in owns):
        return list(values)
    static = functools.reduce(tf.broadcast_static_shape, owns)
    dynamic = static
    if not static.is_fully_defined():
        batches = [tf.shape(value)[: own.rank] for value, own in zip(values, owns, strict=True)]
        dynamic = functools.reduce(tf.broadcast_dynamic_shape, batches)

    def spread(value, own, n):
        if own.is_fully_defined() and own == static:
            return value
        event = value.shape[value.shape.rank - n :]
        sizes = event if event.is_fully_defined() else tf.shape(value)[value.shape.rank - n :]
        result = tf.broadcast_to(value, tf.concat([dynamic, sizes], axis=0))
        result.set_shape(static.concatenate(event))
        return result

    return [spread(*parts) for parts in zip(values, owns, ndims, strict=True)]


def flatten_batch(value: tf.Tensor, event_ndims: int = 1) -> tf.Tensor:
    """Reshapes ``[..., *event]`` to ``[n, *event]``; a matrix product is fastest so."""
    if value.shape.rank == event_ndims + 1:
        return value
    rank = value.shape.rank
    return tf.reshape(value, [-1, *sizes(value, range(rank - event_ndims, rank))])


def sizes(value: tf.Tensor, axes: Iterable[int]) -> list:
    """The sizes of axes: numbers where they are known, else scalars of the graph."""
    static = [value.shape[axis] for axis in axes]
    if None not in static:
        return static
    return [
        tf.shape(value)[axis] if size is None else size
        for axis, size in zip(axes, static, strict=True)
    ]


def blocks_to_channels(value: tf.Tensor, factor: int) -> tf.Tensor:
    """Lays blocks of places into channels: ``[n, *places, c]`` to a factor less on each axis.

    New channels are ordered by place within the block, then by channel. ``places`` is one axis, of
    a sequence, or two, of an image.
    """
    if value.shape.rank == 4:
        return tf.nn.space_to_depth(value, factor)
    rows, length, channels = sizes(value, range(3))
    return tf.reshape(value, [rows, length // factor, factor * channels])


def channels_to_blocks(value: tf.Tensor, factor: int) -> tf.Tensor:
    """Undoes `blocks_to_channels`."""
    if value.shape.rank == 4:
        return tf.nn.depth_to_space(value, factor)
    rows, length, channels = sizes(value, range(3))
    return tf.reshape(value, [rows, length * factor, channels // factor])


def at_every_place(context: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """A vector ``[n, c]`` at all places of ``[n, *places, ...]``; a map as it is."""
    if context.shape.rank == like.shape.rank:
        return context
    places = sizes(like, range(like.shape.rank - 1))
    context = tf.reshape(context, [places[0], *[1] * (like.shape.rank - 2), context.shape[-1]])
    return tf.broadcast_to(context, [*places, context.shape[-1]])


def entries(value: tf.Tensor, event_shape: tuple):
    """The number of entries of an event: a number where it is known, else a scalar of the graph."""
    lengths = sizes(value, range(value.shape.rank - len(event_shape), value.shape.rank))
    return math.prod(lengths)


def filled(shape: tuple, length: int) -> tuple[int, ...]:
    """A shape with one length for all free axes."""
    return tuple(length if size is None else size for size in shape)


def nonempty(value: tf.Tensor) -> tf.Tensor:
    """The value with one row of zeros where it has none, as some operations fail without rows."""
    if value.shape[0]:
        return value
    missing = tf.cast(tf.equal(tf.shape(value)[0], 0), tf.int32)
    return tf.pad(value, [[0, missing], *[[0, 0]] * (value.shape.rank - 1)])


def unflatten_batch(
    flat: tf.Tensor, like: tf.Tensor, like_ndims: int, event_shape: tuple[int, ...]
) -> tf.Tensor:
    """Reshapes ``[n, ...]`` to the batch axes of ``like``, followed by ``event_shape``.

    An axis of the event that is free, None, is as long as in ``flat``.
    """
    static = batch_shape(like, like_ndims)
    if None in event_shape:
        return _unflatten_free(flat, like, static, event_shape)
    if static.is_fully_defined():
        return tf.reshape(flat, [*static.as_list(), *event_shape])
    batch = tf.shape(like)[: static.rank]
    result = tf.reshape(flat, tf.concat([batch, list(event_shape)], axis=0))
    result.set_shape(static.concatenate(list(event_shape)))
    return result


def _unflatten_free(flat, like, static, event_shape):
    known = [size or flat.shape[axis] for axis, size in enumerate(event_shape, start=1)]
    event = [size or tf.shape(flat)[axis] for axis, size in enumerate(known, start=1)]
    batch = static.as_list()
    if not static.is_fully_defined():
        batch = tf.unstack(tf.shape(like)[: static.rank])
    result = tf.reshape(flat, [*batch, *event])
    result.set_shape(static.concatenate(known))
    return result
