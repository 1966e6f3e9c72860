"""Rows of arrays for the steps of one call, without a pipeline that costs a thread."""

from collections.abc import Iterator

import tensorflow as tf


class Feed:
    """Batches of arrays, several at a time, in an order that each pass draws anew.

    `tf.data` moves an epoch row by row on threads that training could use; here a call costs one
    `tf.gather`. A pass begins with each new iterator of Keras, which is not read.

    Args:
        arrays: Arrays or tensors of one number of rows, or dicts of them.
        batch_size: Rows of a batch; the last of a pass may have fewer.
        shuffle: Whether the order is drawn, by TensorFlow's global seed.
    """

    def __init__(self, arrays: tuple, batch_size: int, shuffle: bool):
        self._tensors = tf.nest.map_structure(tf.constant, arrays)
        self._rows, self._batch, self._shuffle = len(arrays[0]), batch_size, shuffle
        self._iterator, self._order, self._next = None, None, 0

    def take(self, iterator, most: int, length: int) -> Iterator[tuple[tuple, int]]:
        """The next batches of the pass.

        Args:
            iterator: Stands for the pass.
            most: How many batches, fewer at its end.
            length: Number of batches to fill up to, with rows that do not count.

        Yields:
            Parts ``[length, batch, ...]`` and the number of batches; a last partial batch comes
            by itself, of ``length`` 1.

        Raises:
            StopIteration: If the pass is over.
        """
        if iterator is not self._iterator:
            order = tf.range(self._rows)
            self._order = tf.random.shuffle(order) if self._shuffle else order
            self._iterator, self._next = iterator, 0
        if self._next >= self._rows:
            raise StopIteration
        return self._batches(most, length)

    def _batches(self, most, length):
        whole = min(most, (self._rows - self._next) // self._batch)
        if whole:
            stop = self._next + whole * self._batch
            places = tf.reshape(self._order[self._next : stop], [whole, self._batch])
            filling = tf.zeros([length - whole, self._batch], places.dtype)
            self._next = stop
            yield self._gathered(tf.concat([places, filling], axis=0)), whole
        if whole < most and self._next < self._rows:
            places = self._order[None, self._next :]
            self._next = self._rows
            yield self._gathered(places), 1

    def _gathered(self, places):
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, places), self._tensors)
