"""Rows for the steps of one call."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_flows.models.feed import Feed


def rows_of(feed, iterator, most, length):
    """The rows of a pass in their order, without what fills up, and the shapes of the calls."""
    rows, shapes = [], []
    while True:
        try:
            calls = feed.take(iterator, most, length)
        except StopIteration:
            return np.concatenate(rows), shapes
        for (x, twice), count in calls:
            np.testing.assert_array_equal(twice, 2 * x)
            shapes.append((x.shape[:2], count))
            rows.append(x[:count].numpy().reshape(-1, 3))


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_pass_has_every_row_once_and_a_last_partial_batch_by_itself(shuffle):
    x = np.arange(69, dtype=np.float32).reshape(23, 3)
    feed = Feed((x, 2 * x), 5, shuffle)
    seen, shapes = rows_of(feed, object(), 3, 4)
    assert shapes == [((4, 5), 3), ((4, 5), 1), ((1, 3), 1)]
    np.testing.assert_array_equal(seen if not shuffle else seen[np.argsort(seen[:, 0])], x)
    assert np.array_equal(seen, x) != shuffle


def test_each_iterator_draws_an_order_of_its_own_by_the_global_seed():
    x = np.arange(90, dtype=np.float32).reshape(30, 3)
    feed = Feed((x, 2 * x), 10, shuffle=True)
    tf.random.set_seed(3)
    first, second = (rows_of(feed, object(), 4, 4)[0] for _ in range(2))
    assert not np.array_equal(first, second)
    tf.random.set_seed(3)
    np.testing.assert_array_equal(rows_of(feed, object(), 4, 4)[0], first)
