"""Batches of arrays for training: fast, and in an order that a resumed training finds again."""

import math
from collections.abc import Iterator

import tensorflow as tf

from tfp_flows.models.workers import fingerprint

_ENDLESS = 2**62
_FEED = "_tfp_flows_feed"


class Feed:
    """Batches of arrays, in an order of each pass that depends on a seed and its number alone.

    The whole state is the seed and the number of steps before, so nothing else must be saved for
    a training to go on as it was. Compiled steps take the rows of several at a time by one
    `tf.gather`: `tf.data` would keep a thread busy that training could use. `dataset` has the same
    batches for everything else.

    Args:
        arrays: Arrays or tensors of one number of rows, or dicts of them.
        batch_size: Rows of a batch; the last of a pass may have fewer.
        shuffle: Whether each pass has an order of its own.
        seed: Seed of the orders; None draws one from TensorFlow's global generator.
        fill: Whether the last batch of a pass is filled up with the pass's first rows, and no
            batch is larger than the data. All batches then have one shape.
        single: Whether the elements of `dataset` are the tensors of the only array, not tuples.

    Attributes:
        tensors: The arrays, as tensors.
        batches: Number of batches of a pass.
        seed: Seed of the orders.
    """

    def __init__(
        self,
        arrays: tuple,
        batch_size: int,
        *,
        shuffle: bool = True,
        seed: int | None = None,
        fill: bool = False,
        single: bool = False,
    ):
        self.tensors = tf.nest.map_structure(tf.constant, tuple(arrays))
        self._rows = int(self.tensors[0].shape[0])
        self._size = min(batch_size, self._rows) if fill else batch_size
        self._shuffle, self._fill, self._single = shuffle, fill, single
        self.batches = -(-self._rows // self._size)
        self.seed = drawn_seed() if seed is None else seed
        self._known: tuple[int, tf.Tensor] | None = None
        self._next, self._end = 0, self.batches
        # Read by the pipeline of `dataset` when it begins.
        self._first = tf.Variable(0, dtype=tf.int64, trainable=False)

    def begin(self, epoch: int, steps: int | None = None, step: int = 0) -> None:
        """Goes to a step of an epoch.

        Args:
            epoch: Which epoch, from 0.
            steps: Steps of an epoch; None are those of a pass.
            step: Which of them, from 0.
        """
        steps = steps or self.batches
        first, self._end = epoch * steps + step, (epoch + 1) * steps
        if first != self._next:
            self._next = first
            self._first.assign(first)

    @property
    def size(self) -> int:
        """Rows of a batch."""
        return self._size

    @property
    def even(self) -> bool:
        """Whether all batches have as many rows."""
        return self._fill or self._rows % self._size == 0

    @property
    def bytes(self) -> int:
        """Size of a batch."""
        tensors = tf.nest.flatten(self.tensors)
        return self._size * sum(t.dtype.size * math.prod(t.shape[1:]) for t in tensors)

    def fingerprint(self) -> str:
        """What tells these data from others."""
        return fingerprint(self.tensors)

    def steps(self, *, endless: bool = False) -> tf.data.Dataset:
        """What stands for the batches where nobody reads them: an iterator of it costs little."""
        options = tf.data.Options()
        options.autotune.enabled = False
        options.experimental_optimization.apply_default_optimizations = False
        numbers = tf.data.Dataset.range(_ENDLESS if endless else self.batches)
        return numbers.with_options(options)

    def take(self, most: int, length: int) -> Iterator[tuple[tuple, int]]:
        """The next batches of the epoch.

        Args:
            most: How many batches, fewer at its end.
            length: Number of batches to fill up to, with rows that do not count.

        Yields:
            Parts ``[length, batch, ...]`` and the number of batches; a last partial batch comes
            by itself, of ``length`` 1.

        Raises:
            StopIteration: If the epoch is over.
        """
        most = min(most, self._end - self._next)
        if most <= 0:
            raise StopIteration
        return self._calls(most, length)

    def _calls(self, most, length):
        while most > 0:
            number, place = divmod(self._next, self.batches)
            order = self._order_of(number)
            count = min(most, order.shape[0] // self._size - place)
            if count:
                start = place * self._size
                places = order[start : start + count * self._size]
                filling = tf.zeros([(length - count) * self._size], places.dtype)
                places = tf.reshape(tf.concat([places, filling], axis=0), [length, self._size])
            else:
                count, places = 1, order[None, place * self._size :]
            self._next += count
            most -= count
            yield self._gathered(places), count

    def dataset(self, *, endless: bool = False) -> tf.data.Dataset:
        """The batches of a pass, as a dataset that begins where `begin` went.

        Args:
            endless: Whether one pass follows the other.
        """
        data = self._passes(endless).prefetch(2)
        count = tf.data.INFINITE_CARDINALITY if endless else self.batches
        data = data.apply(tf.data.experimental.assert_cardinality(count))
        setattr(data, _FEED, self)
        return data

    def _passes(self, endless):
        if not self._shuffle and not endless:
            numbers = tf.data.Dataset.range(self.batches)
            return numbers.map(lambda i: self._element(self._batch(None, i)))

        def one_pass(number, place):
            order = self._order(number)
            numbers = tf.data.Dataset.range(place, self.batches)
            return numbers.map(lambda i: self._element(self._batch(order, i)))

        def passes(_):
            number, place = self._first // self.batches, self._first % self.batches
            if not endless:
                return one_pass(number, place)
            numbers = tf.data.Dataset.range(number, _ENDLESS)
            return numbers.flat_map(lambda p: one_pass(p, tf.where(p == number, place, 0)))

        return tf.data.Dataset.range(1).flat_map(passes)

    def _order(self, number):
        order = tf.range(self._rows)
        if self._shuffle:
            seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(number, tf.int64)])
            order = tf.random.experimental.stateless_shuffle(order, seed)
        if not self._fill:
            return order
        return tf.concat([order, order[: self.batches * self._size - self._rows]], axis=0)

    def _order_of(self, number):
        if self._known is None or self._known[0] != number:
            self._known = number, self._order(number)
        return self._known[1]

    def _batch(self, order, i):
        start = tf.cast(i, tf.int32) * self._size
        stop = tf.minimum(start + self._size, self._rows) if order is None else start + self._size
        places = tf.range(start, stop) if order is None else order[start:stop]
        return tf.ensure_shape(places, [self._size if self.even else None])

    def _element(self, places):
        parts = self._gathered(places)
        return parts[0] if self._single else parts

    def _gathered(self, places):
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, places), self.tensors)


def feed_of(data) -> Feed | None:
    """The feed whose batches a dataset has, if it has those of one."""
    return getattr(data, _FEED, None)


def as_dataset(arrays: tuple, batch_size: int) -> tf.data.Dataset:
    """Batches of rows in their order, the last partial one included."""
    return Feed(arrays, batch_size, shuffle=False, seed=0).dataset()


def drawn_seed() -> int:
    """A seed from TensorFlow's global generator, the same after `tf.random.set_seed`."""
    return int(tf.random.uniform([], maxval=2**31 - 1, dtype=tf.int32))
