"""Rows for the steps of one call, in an order that can be found again."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_flows.models.feed import Feed

X = np.arange(69, dtype=np.float32).reshape(23, 3)


def feed_of(batch_size=5, **options):
    return Feed((X, 2 * X), batch_size, **options)


def epoch_of(feed, epoch, most=3, length=4, **where):
    """The rows of an epoch in their order, without what fills up, and the shapes of the calls."""
    feed.begin(epoch, **where)
    rows, shapes = [], []
    while True:
        try:
            calls = feed.take(most, length)
        except StopIteration:
            return np.concatenate(rows), shapes
        for (x, twice), count in calls:
            np.testing.assert_array_equal(twice, 2 * x)
            shapes.append((x.shape[:2], count))
            rows.append(x[:count].numpy().reshape(-1, 3))


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_pass_has_every_row_once_and_a_last_partial_batch_by_itself(shuffle):
    seen, shapes = epoch_of(feed_of(shuffle=shuffle), 0)
    assert shapes == [((4, 5), 3), ((4, 5), 1), ((1, 3), 1)]
    np.testing.assert_array_equal(seen if not shuffle else seen[np.argsort(seen[:, 0])], X)
    assert np.array_equal(seen, X) != shuffle


def test_a_filled_pass_has_batches_of_one_size():
    seen, shapes = epoch_of(feed_of(fill=True, seed=0), 0)
    assert shapes == [((4, 5), 3), ((4, 5), 2)]
    np.testing.assert_array_equal(seen[23:], seen[:2])
    np.testing.assert_array_equal(np.sort(seen[:23], axis=0), X)
    assert epoch_of(feed_of(128, fill=True), 0)[1] == [((4, 23), 1)]


def test_orders_depend_on_seed_and_epoch_alone():
    feed = feed_of(seed=7)
    first, second = (epoch_of(feed, epoch)[0] for epoch in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(epoch_of(feed_of(seed=7), 1)[0], second)
    assert not np.array_equal(epoch_of(feed_of(seed=8), 0)[0], first)


def test_without_a_seed_the_global_one_decides():
    tf.random.set_seed(3)
    first = epoch_of(feed_of(), 0)[0]
    assert not np.array_equal(epoch_of(feed_of(), 0)[0], first)
    tf.random.set_seed(3)
    np.testing.assert_array_equal(epoch_of(feed_of(), 0)[0], first)


@pytest.mark.parametrize("steps", [2, 3, 7])
def test_epochs_of_any_number_of_steps_follow_each_other(steps):
    feed = feed_of(seed=1)
    passes = np.concatenate([epoch_of(feed, epoch)[0] for epoch in range(steps)])
    parts = [epoch_of(feed, epoch, steps=steps)[0] for epoch in range(feed.batches)]
    np.testing.assert_array_equal(np.concatenate(parts), passes)
    # In the middle of an epoch too, as after a kill.
    rest = epoch_of(feed_of(seed=1), 1, steps=steps, step=1)[0]
    np.testing.assert_array_equal(rest, parts[1][len(parts[1]) - len(rest) :])
    assert 0 < len(rest) < len(parts[1])


@pytest.mark.parametrize("fill", [False, True])
def test_the_dataset_has_the_same_batches(fill):
    feed = feed_of(seed=2, fill=fill)
    data = feed.dataset()
    assert int(data.cardinality()) == 5
    assert data.element_spec[0].shape.as_list() == [5 if fill else None, 3]
    for epoch in (0, 3):
        expected = epoch_of(feed_of(seed=2, fill=fill), epoch)[0]
        feed.begin(epoch)
        found = [x.numpy() for x, twice in data if np.array_equal(twice, 2 * x)]
        np.testing.assert_array_equal(np.concatenate(found), expected)
    feed.begin(1, steps=3)
    found = [x for x, _ in feed.dataset(endless=True).take(3)]
    expected = epoch_of(feed_of(seed=2, fill=fill), 1, steps=3)[0]
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_a_dataset_in_order_and_one_of_single_arrays():
    data = feed_of(shuffle=False).dataset()
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate([x for x, _ in data]), X)
    single = Feed((X,), 10, seed=0, single=True).dataset()
    assert [x.shape[0] for x in single] == [10, 10, 3]
