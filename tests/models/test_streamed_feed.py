"""Batches of rows that come in blocks."""

import numpy as np
import pytest

import tfp_flows as tff
from tfp_flows.models.streamed_feed import StreamedFeed

ROWS, BATCH = 700, 64


def feed(seed=0, single=True, batches=ROWS // BATCH):
    x = np.arange(ROWS, dtype=np.float32)[:, None]

    def blocks(epoch, generator):
        while True:
            for k in generator.permutation(10):
                part = x[70 * k : 70 * k + 70]
                yield (part,) if single else (part, 2 * part)

    like = (x,) if single else (x, x)
    return StreamedFeed(blocks, like, batches, BATCH, seed=seed, single=single)


def test_an_epoch_depends_on_seed_and_number_alone():
    one = [np.concatenate([b[0] for b in feed().of_epoch(k)])[:, 0] for k in range(2)]
    assert len(set(one[0])) == len(one[0]) == ROWS // BATCH * BATCH
    assert not np.array_equal(one[0], one[1])
    assert np.abs(np.corrcoef(one[0], np.arange(len(one[0])))[0, 1]) < 0.2
    again = feed()
    # The second epoch of a training that is resumed.
    again.begin(1)
    taken = [part[0].numpy()[:count] for part, count in again.take(100, 4)]
    np.testing.assert_array_equal(np.concatenate(taken).ravel(), one[1])
    again.begin(1)
    read = np.concatenate(list(again.dataset().as_numpy_iterator())).ravel()
    np.testing.assert_array_equal(read, one[1])
    other = np.concatenate([b[0] for b in feed(seed=1).of_epoch(0)])[:, 0]
    assert not np.array_equal(other, one[0])


def test_its_fingerprint_is_that_of_all_rows():
    def of(digest, batches=10):
        like = (np.zeros([1, 1], np.float32),)
        return StreamedFeed(lambda *_: iter(()), like, batches, 64, seed=0, digest=digest)

    assert of("one").fingerprint() == of("one").fingerprint()
    assert of("one").fingerprint() != of("other").fingerprint()
    assert of("one").fingerprint() != of("one", batches=9).fingerprint()


def test_parts_of_a_row_stay_together():
    for x, context in feed(single=False).of_epoch(0):
        np.testing.assert_array_equal(context, 2 * x)


def test_a_reader_that_fails_says_so():
    def blocks(epoch, generator):
        yield (np.zeros([70, 1], np.float32),)
        raise tff.errors.InputError("part-1.csv is gone.")

    broken = StreamedFeed(blocks, (np.zeros([1, 1], np.float32),), 9, 64, seed=0, single=True)
    with pytest.raises(tff.errors.InputError, match="is gone"):
        list(broken.of_epoch(0))
