"""Densities and samples of any number of rows, in the memory of a few.

A flow that is called eagerly works through many rows in chunks by itself. What a row gives depends
on no other row, so that chunks change nothing but the last digits of sums. Inside a `tf.function`
nothing is cut: there the caller decides what one program holds.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow.python.eager import forwardprop_util, record

from tfp_flows.bijectors import Bijector, Given

# Numbers of a flow's widest layer in a chunk: 16 MiB in float32, and 256 MiB where there is a GPU,
# which is slow on less.
NUMBERS, NUMBERS_OF_GPU = 2**22, 2**26
# Numbers of latents that are drawn at once. Above, the draws of a seed are others than before.
DRAWN = 2**24
# So many rows are one chunk, however wide they are; and the most that an embedding sees at once.
LEAST_ROWS, EMBEDDED_ROWS = 64, 1024
_ALL = 2**31
_TELL = "the flow mixes rows; call it in a tf.function, where nothing is cut."


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
    def rows(self) -> int:
        """How many rows its arrays have, the longest of several."""
        return max((math.prod(batch) for batch in self.batches), default=0)

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


def fixed_axes(flow) -> int:
    """How many of the last batch axes a flow has itself, by its base or its bijector.

    Where a bijector of a user's own does not tell TFP of its parameters, more than any batch has.
    """
    ranks = [flow.distribution.batch_shape.rank]
    event = min(len(flow.bijector.event_shape), len(flow.bijector.latent_shape))
    for one in (flow.bijector, *flow.bijector.submodules):
        if isinstance(one, Given):
            ranks.append(one.context.shape.rank - len(one.bijector.context_shape))
        elif isinstance(one, tfp.bijectors.Bijector) and not isinstance(one, Bijector):
            ndims = max(event, one.forward_min_event_ndims)
            try:
                ranks.append(one.experimental_batch_shape(x_event_ndims=ndims).rank)
            except NotImplementedError:
                ranks.append(None)
    return _ALL if None in ranks else max(ranks)


def mapped(
    function: Callable,
    flow,
    value: Part,
    context: Part | None = None,
    embedded: Part | None = None,
):
    """What a function of rows gives for all of them, from chunks.

    Args:
        function: Function of a value and a context, whose results have the batch axes first.
        flow: The flow whose function it is.
        value: Data or latents.
        context: What goes with them; None for none.
        embedded: Which of these the function puts through an embedding, if one.

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
    if count <= LEAST_ROWS:
        return function(*whole)
    most = flow.rows_at_once(value.lengths)
    if embedded is not None and embedded.rows > EMBEDDED_ROWS:
        most = min(most, EMBEDDED_ROWS)
    if count <= most:
        return function(*whole)
    free = batch[: max(0, len(batch) - fixed_axes(flow))]
    if max(free, default=1) < 2:
        return function(*whole)
    axis = int(np.argmax(free))
    size, back = free[axis], axis - len(batch)
    step = max(1, most * size // count)
    return joined(_results(function, parts, back, size, step), axis, size)


# A function of its own, as AutoGraph, which reads what a user's function calls, takes none in one.
def _results(function, parts, back, size, step):
    for start in range(0, size, step):
        yield function(*[part.cut(back, start, min(start + step, size)) for part in parts])


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
    own = flow.distribution.batch_shape
    count = math.prod([*free, *latent, *own])
    if count <= DRAWN or fixed_axes(flow) > own.rank:
        return function(sample_shape, context, seed)
    axis = int(np.argmax(free))
    size, back = free[axis], axis - len(free)
    step = max(1, DRAWN * size // count)
    # Twice, as a salt leaves integers of 64 bits as they are.
    seed = tfp.random.sanitize_seed(tfp.random.sanitize_seed(seed), salt="chunks")

    def block(number, start):
        stop = min(start + step, size)
        one = tf.random.experimental.stateless_fold_in(seed, number)
        if axis < len(shape):
            return function([*shape[:axis], stop - start, *shape[axis + 1 :]], context, one)
        return function(shape, part.cut(back, start, stop), one)

    return joined(map(block, itertools.count(), range(0, size, step)), axis, size)


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
        _check_length(whole, axis, size)
        return tf.nest.pack_sequence_as(part, whole)
    # A variable would copy all of itself to take a part, and once more to be read.
    structure = tf.nest.map_structure(lambda each: each.dtype, part)
    whole = [
        tf.raw_ops.Empty(shape=[size, *each.shape[1:]], dtype=each.dtype)
        for each in tf.nest.flatten(part)
    ]
    place = 0
    while part is not None:
        flat = tf.nest.flatten(part)
        stop = place + flat[0].shape[0]
        for k, each in enumerate(flat):
            # Beyond the end it would begin anew without a word.
            _check_length([each], 0, min(stop, size) - place)
            whole[k] = tf.raw_ops.InplaceUpdate(x=whole[k], i=tf.range(place, stop), v=each)
        # The last chunk goes before the next one takes its memory.
        del flat, each
        part, place = None, stop
        part = next(results, None)
    if place != size:
        raise ValueError(f"Chunks gave {place} of {size} rows; {_TELL}")
    return tf.nest.pack_sequence_as(structure, whole)


def _check_length(found, axis, length):
    for each in found:
        if each.shape[axis] != length:
            raise ValueError(f"Chunks gave {each.shape[axis]} rows in place of {length}; {_TELL}")
