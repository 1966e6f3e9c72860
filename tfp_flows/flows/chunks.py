"""Densities and samples of any number of rows, in the memory of a few.

A flow that is called eagerly works through many rows in chunks by itself. What a row gives depends
on no other row, so that chunks change nothing but the last digits of sums. Inside a `tf.function`
nothing is cut: there the caller decides what one program holds.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow.python.eager import forwardprop_util, record

# Numbers of a flow's widest layer in a chunk: 16 MiB in float32, and 256 MiB where there is a GPU,
# which is slow on less.
NUMBERS, NUMBERS_OF_GPU = 2**22, 2**26
# Numbers of latents that are drawn at once. Above, the draws of a seed are others than before.
DRAWN = 2**24
# So many rows are one chunk, however wide they are; and the most that an embedding sees at once.
LEAST_ROWS, EMBEDDED_ROWS = 64, 1024


class Part:
    """An argument with rows: an array, or a dict of arrays.

    Args:
        value: The arrays; None for none.
        event_shape: Shape of a row of each.
    """

    def __init__(self, value, event_shape):
        self.value = value
        shapes = event_shape if isinstance(event_shape, dict) else {None: event_shape or ()}
        self._shapes = {name: tuple(shape) for name, shape in shapes.items()}

    def _batch(self, name, array):
        return tuple(array.shape[: len(array.shape) - len(self._shapes[name])])

    def _named(self):
        if self.value is None:
            return {}
        return self.value if isinstance(self.value, dict) else {None: self.value}

    @property
    def known(self) -> bool:
        """Whether rows can be counted and taken."""
        kinds = np.ndarray | tf.Tensor | tf.Variable
        return all(
            isinstance(array, kinds)
            and name in self._shapes
            and len(self._shapes[name]) <= len(array.shape)
            for name, array in self._named().items()
        )

    @property
    def batches(self) -> list[tuple[int, ...]]:
        """The batch shape of each array."""
        return [self._batch(name, array) for name, array in self._named().items()]

    @property
    def lengths(self) -> int:
        """Product of the lengths that are free."""
        shape = self._shapes.get(None, ())
        if None not in shape:
            return 1
        there = self.value.shape[len(self.value.shape) - len(shape) :]
        pairs = zip(shape, there, strict=True)
        return math.prod(length for size, length in pairs if size is None)

    def cut(self, axis: int, start: int, stop: int):
        """The rows from one to another on an axis, counted from the last of the batch axes."""

        def rows(name, array):
            batch = self._batch(name, array)
            place = len(batch) + axis
            if place < 0 or batch[place] == 1:
                return array
            return array[(slice(None),) * place + (slice(start, stop),)]

        found = {name: rows(name, array) for name, array in self._named().items()}
        return found if isinstance(self.value, dict) else found.get(None)


def widest_row(bijector) -> int:
    """How many numbers of a row the widest layer has, by the weights; free lengths count as 1."""
    shape = [size or 1 for size in bijector.event_shape]
    columns = [v.shape[-1] for v in bijector.variables if len(v.shape) > 1]
    return max(math.prod(shape), math.prod(shape[:-1]) * max(columns, default=1))


def rows_of(numbers: int) -> int:
    """How many rows are one chunk, if the widest layer has so many numbers of each."""
    most = NUMBERS_OF_GPU if tf.config.list_logical_devices("GPU") else NUMBERS
    return max(LEAST_ROWS, most // numbers)


def mapped(function: Callable, flow, value: Part, context: Part | None = None):
    """What a function of rows gives for all of them, from chunks.

    Args:
        function: Function of a value and a context, whose results have the batch axes first.
        flow: The flow whose function it is.
        value: Data or latents.
        context: What goes with them; None for none.

    Returns:
        What ``function`` would have returned for all rows.
    """
    parts = [value, context or Part(None, None)]
    whole = [part.value for part in parts]
    if not tf.executing_eagerly() or not all(part.known for part in parts):
        return function(*whole)
    try:
        batch = np.broadcast_shapes(*[shape for part in parts for shape in part.batches])
    except ValueError:
        return function(*whole)
    count = math.prod(batch)
    if count <= LEAST_ROWS or count <= (most := flow.rows_at_once(value.lengths)):
        return function(*whole)
    free = batch[: len(batch) - flow.distribution.batch_shape.rank]
    if max(free, default=1) < 2:
        return function(*whole)
    axis = int(np.argmax(free))
    size, back = free[axis], axis - len(batch)
    step = max(1, most * size // count)

    def results():
        for start in range(0, size, step):
            yield function(*[part.cut(back, start, min(start + step, size)) for part in parts])

    return joined(results(), axis, size)


def drawn(function: Callable, flow, sample_shape, context, seed):
    """Samples of a shape, whose latents are drawn at most `DRAWN` numbers at a time.

    Args:
        function: Function of a sample shape, a context and a seed; see `Flow.sample`.
        flow: The flow.
        sample_shape: Shape of the draw, or a number.
        context: The bijector's context, or None.
        seed: Seed of all. One block is drawn with it as it is, and each of several with a seed
            that is made of it.
    """
    part = Part(context, flow.bijector.context_shape)
    latent = flow.bijector.latent_shape
    if not tf.executing_eagerly() or not part.known or None in latent:
        return function(sample_shape, context, seed)
    shape = [int(size) for size in np.reshape(sample_shape, [-1])]
    free = [*shape, *(part.batches[0] if part.batches else ())]
    if max(free, default=1) < 2:
        return function(sample_shape, context, seed)
    count = math.prod([*free, *latent, *flow.distribution.batch_shape])
    if count <= DRAWN:
        return function(sample_shape, context, seed)
    axis = int(np.argmax(free))
    size, back = free[axis], axis - len(free)
    step = max(1, DRAWN * size // count)
    seed = tfp.random.sanitize_seed(seed, salt="chunks")

    def blocks():
        for number, start in enumerate(range(0, size, step)):
            stop = min(start + step, size)
            one = tf.random.experimental.stateless_fold_in(seed, number)
            if axis < len(shape):
                yield function([*shape[:axis], stop - start, *shape[axis + 1 :]], context, one)
            else:
                yield function(shape, part.cut(back, start, stop), one)

    return joined(blocks(), axis, size)


def joined(results, axis: int, size: int):
    """Results of chunks as one, in memory that is taken once.

    Where gradients may be asked for, the results are concatenated, through which they flow.

    Args:
        results: Iterator of tensors, or of tuples of tensors.
        axis: Which axis was cut.
        size: How long it is in all.
    """
    results = iter(results)
    part = next(results)
    flat = tf.nest.flatten(part)
    follows = record.could_possibly_record() or forwardprop_util.pack_tangents(flat).tangents
    if follows or axis:
        parts = [flat, *map(tf.nest.flatten, results)]
        whole = [tf.concat(same, axis) for same in zip(*parts, strict=True)]
        return tf.nest.pack_sequence_as(part, whole)
    # A variable would copy all of itself to take a part, and once more to be read.
    whole = tf.nest.map_structure(
        lambda each: tf.raw_ops.Empty(shape=[size, *each.shape[1:]], dtype=each.dtype), part
    )
    place = 0
    while part is not None:
        flat = tf.nest.flatten(part)
        stop = place + flat[0].shape[0]
        for one, each in zip(tf.nest.flatten(whole), flat, strict=True):
            tf.raw_ops.InplaceUpdate(x=one, i=tf.range(place, stop), v=each)
        # The last chunk goes before the next one takes its memory.
        del flat, each
        part, place = None, stop
        part = next(results, None)
    return whole
