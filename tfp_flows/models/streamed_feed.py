"""Batches of rows that are not in memory, in an order that a resumed training finds again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from tfp_flows.models.feed import Feed

_BUFFER_BYTES = 2**25
Block = tuple[np.ndarray, ...]


class StreamedFeed(Feed):
    """Batches of rows that come in blocks, mixed in a buffer.

    An epoch depends on the seed and its number alone, so that a resumed training goes on as it
    was. All batches have one size.

    Args:
        blocks: Gives, for the number of an epoch and a generator, blocks of rows without end, in
            an order drawn from the generator: tuples of arrays of one number of rows.
        like: A tuple of arrays as `blocks` gives them, of any number of rows.
        batches: Number of batches of an epoch.
        batch_size: Rows of a batch.
        seed: Seed of the order.
        single: Whether the elements of `dataset` are the tensors of the only array, not tuples.
        digest: A fingerprint of all rows, by which workers know that they read the same ones.
    """

    def __init__(
        self,
        blocks: Callable[[int, np.random.Generator], Iterator[Block]],
        like: Block,
        batches: int,
        batch_size: int,
        *,
        seed: int,
        single: bool = False,
        digest: str = "",
    ):
        super().__init__(
            tuple(array[:1] for array in like), batch_size, seed=seed, single=single, shuffle=False
        )
        self._blocks, self._size, self.batches, self._end = blocks, batch_size, batches, batches
        self._fill, self._digest = True, digest
        row = sum(array.nbytes // max(len(array), 1) for array in like)
        self._rows_held = max(4 * batch_size, _BUFFER_BYTES // max(row, 1))
        self._open: tuple[int, int, Iterator[Block]] | None = None

    def fingerprint(self) -> str:
        """What tells these data from others: ``digest``, and how many rows an epoch has."""
        return f"{self._digest} {super().fingerprint()} {self.batches}"

    def of_epoch(self, number: int) -> Iterator[Block]:
        """The batches of an epoch, as arrays."""
        generator = np.random.default_rng([self.seed, number, 1])
        blocks = _one_ahead(self._blocks(number, np.random.default_rng([self.seed, number])))
        held: Block | None = None
        start = 0
        for done in range(self.batches):
            # No more than the epoch needs: rows of a second round would take the place of others.
            left = (self.batches - done) * self._size
            count = 0 if held is None else len(held[0]) - start
            if count < min(left, max(self._rows_held // 2, self._size)):
                rest = () if held is None else (tuple(array[start:] for array in held),)
                filled = _filled(rest, blocks, min(left, self._rows_held))
                held, start = _shuffled(filled, generator), 0
            yield tuple(array[start : start + self._size] for array in held)
            start += self._size
        blocks.close()

    def _calls(self, most, length):
        while most > 0:
            number, place = divmod(self._next, self.batches)
            batches = self._opened(number, place)
            count = min(most, self.batches - place)
            parts = [next(batches) for _ in range(count)]
            parts += [parts[-1]] * (length - count)
            self._next += count
            most -= count
            self._open = (number, place + count, batches)
            if place + count == self.batches:
                # Its buffer and its reader would stay beside those of the next epoch.
                batches.close()
                self._open = None
            yield tuple(tf.constant(np.stack(same)) for same in zip(*parts, strict=True)), count

    def _opened(self, number: int, place: int) -> Iterator[Block]:
        """The batches of an epoch from a place on, those that are read already if there are any."""
        if self._open is not None and self._open[:2] == (number, place):
            return self._open[2]
        batches = self.of_epoch(number)
        for _ in range(place):
            next(batches)
        return batches

    def _passes(self, endless):
        def batches():
            number, place = divmod(int(self._first), self.batches)
            while True:
                for batch in self._opened(number, place):
                    yield batch[0] if self._single else batch
                number, place = number + 1, 0
                if not endless:
                    return

        specs = tuple(
            tf.TensorSpec([self._size, *tensor.shape[1:]], tensor.dtype) for tensor in self.tensors
        )
        return tf.data.Dataset.from_generator(
            batches, output_signature=specs[0] if self._single else specs
        )


def _filled(rest: tuple, blocks: Iterator[Block], most: int) -> Block:
    pieces, count = list(rest), sum(len(piece[0]) for piece in rest)
    while count < most:
        block = next(blocks)
        pieces.append(block)
        count += len(block[0])
    return tuple(np.concatenate(same) for same in zip(*pieces, strict=True))


def _shuffled(block: Block, generator: np.random.Generator) -> Block:
    order = generator.permutation(len(block[0]))
    return tuple(array[order] for array in block)


def _one_ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Reads a block while the one before is trained on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks)
        while True:
            block = coming.result()
            coming = reader.submit(next, blocks)
            yield block
