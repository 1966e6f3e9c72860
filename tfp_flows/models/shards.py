"""The parts of a batch that replicas have, of one process or of several."""

import numpy as np
import tensorflow as tf

from tfp_flows.models import data as rows
from tfp_flows.models.feed import Feed, feed_of
from tfp_flows.models.workers import Workers


def share_of_batch(batch) -> tf.Tensor | float:
    """Which part of the whole batch a replica's part is, by weight; called in a replica."""
    x, _, weight = rows.unpack(batch)
    mine = tf.shape(x)[0] if weight is None else tf.reduce_sum(weight)
    mine = tf.cast(mine, tf.float64)
    context = tf.distribute.get_replica_context()
    return tf.math.divide_no_nan(mine, context.all_reduce(tf.distribute.ReduceOp.SUM, mine))


def distributed(data, strategy: tf.distribute.Strategy, *, endless: bool = False):
    """Batches for the replicas of a strategy.

    Args:
        data: A `Feed`, or a `tf.data.Dataset`: of whole batches, which TensorFlow shards by file or
            by row, as its options say.
        strategy: The strategy.
        endless: Whether one pass of a feed follows the other.

    Raises:
        ValueError: If it is another kind of stream.
    """
    if isinstance(data, Feed):
        return _of_feed(data, strategy, endless)
    if isinstance(data, tf.distribute.DistributedDataset):
        return data
    if not isinstance(data, tf.data.Dataset):
        raise ValueError(
            f"Several replicas train on arrays or a tf.data.Dataset, got {type(data).__name__}; "
            "make one, as with tf.data.Dataset.from_generator."
        )
    return strategy.experimental_distribute_dataset(data)


def _of_feed(feed, strategy, endless):
    workers = Workers(strategy)
    replicas, local = strategy.num_replicas_in_sync, workers.local_replicas
    even = feed.even and feed.size % replicas == 0
    first = workers.index * local

    def parts_of(*batch):
        batch = (batch[0],) if len(batch) == 1 else batch
        count = tf.shape(tf.nest.flatten(batch)[0])[0]
        size = -(-count // replicas)
        places = tf.range(first * size, (first + local) * size)
        if not even:
            batch = _weighted(batch, count)
            there = tf.cast(places < count, batch[2].dtype)
            places = tf.minimum(places, count - 1)
        mine = tf.nest.map_structure(lambda part: tf.gather(part, places), batch)
        if not even:
            mine = (*mine[:2], mine[2] * there)
        cut = tf.nest.map_structure(
            lambda part: tf.reshape(part, [local, size, *part.shape[1:]]), tuple(mine)
        )
        return tf.data.Dataset.from_tensor_slices(cut)

    def of_worker(context):
        del context
        return feed.dataset(endless=endless).flat_map(parts_of).prefetch(2)

    return strategy.distribute_datasets_from_function(of_worker)


def _weighted(batch, count):
    x = batch[0]
    if len(batch) == 1:
        batch = (x, tf.zeros([count, 0], x.dtype))
    return batch if len(batch) == 3 else (*batch, tf.ones([count], x.dtype))


class Gathered:
    """Batches with the rows of all replicas, the same on every worker."""

    def __init__(self, batches, strategy):
        self._batches, self._strategy = batches, strategy

    def __iter__(self):
        for batch in self._batches:
            yield tf.nest.map_structure(lambda part: self._strategy.gather(part, axis=0), batch)


def feed_or_stream(data):
    """The feed of a dataset that has one's batches, and else the dataset."""
    return feed_of(data) or data


def predict_alone(model, stream, *, steps: int | None = None, verbose="auto", callbacks=None):
    """Log-densities of all rows of a stream, ``[n]``: each worker by itself, without the others."""
    del verbose, callbacks
    step = tf.function(model.predict_step, autograph=False, reduce_retracing=True)
    parts = [step(batch).numpy() for _, batch in zip(range(steps or 2**62), stream, strict=False)]
    return np.concatenate(parts)
