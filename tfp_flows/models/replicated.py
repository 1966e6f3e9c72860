"""Training on several replicas: of one process, or of several.

The loop of Keras 3 fails with several workers, and both Keras take the mean over replicas where
replicas have fewer rows than others. Here the gradient is that of the whole batch, as one device
has it: every row weighs the same, whichever replica has it.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.keras_worlds import KERAS3
from tfp_flows.models import data as rows
from tfp_flows.models.callbacks import ResumableTraining
from tfp_flows.models.feed import Feed, feed_of
from tfp_flows.models.workers import Workers, fingerprint

keras = tf.keras


def share_of_batch(batch) -> tf.Tensor | float:
    """Which part of the whole batch a replica's part is, by weight; called in a replica."""
    x, _, weight = rows.unpack(batch)
    mine = tf.cast(tf.shape(x)[0], tf.float32) if weight is None else tf.reduce_sum(weight)
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


class Loop:
    """Runs steps of a model on the replicas of its strategy.

    Args:
        model: The `FlowModel`, compiled.
    """

    def __init__(self, model):
        self._model, self._strategy = model, model.distribute_strategy
        self.workers = Workers(self._strategy)
        self._steps: dict[tuple[str, str], Callable] = {}

    def _step(self, name: str, spec) -> Callable:
        """What runs ``train_step`` or ``test_step`` on a batch of a form, and gives the logs."""
        key = name, str(spec)
        if key in self._steps:
            return self._steps[key]
        model, strategy = self._model, self._strategy

        def step(batch):
            given = strategy.run(getattr(model, name), args=(batch,))
            means = {metric.name: metric.result() for metric in model.metrics}
            own = {n: v for n, v in given.items() if n not in means}
            mean = tf.distribute.ReduceOp.MEAN
            return {**{n: strategy.reduce(mean, v, axis=None) for n, v in own.items()}, **means}

        if not model.run_eagerly:
            # Of one form whatever the size of a batch: programs that are made at other times than
            # those of other workers would wait for them forever.
            step = tf.function(step, autograph=model._needs_autograph, input_signature=[spec])
        self._steps[key] = step
        return step

    def check_ready(self, data, facts: dict) -> None:
        """Checks what would fail in the middle, or quietly train other models on other workers.

        Args:
            data: Arrays, or the stream to train on.
            facts: What else workers must have alike, by what it is called.

        Raises:
            InputError: If variables were made outside of the strategy's scope, or workers differ.
        """
        model, strategy = self._model, self._strategy
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
        made = [*model.variables, *_as_list(model.optimizer.variables)]
        made = [variable.value if KERAS3 else variable for variable in made]
        out = [v for v in made if not strategy.extended.variable_created_in_scope(v)]
        if out:
            raise InputError(
                f"The variable {out[0].name} was made outside of the strategy's scope; build the "
                "flow, the model and its optimizer within `with strategy.scope():`."
            )
        if self.workers.count > 1:
            spec = data if isinstance(data, tuple) else None
            known = {"training data": fingerprint(spec)} if spec else {}
            weights = [np.asarray(variable) for variable in model.flow.variables]
            self.workers.check_same({**known, "weights": fingerprint(weights), **facts})

    def adapt_sample(self, data) -> tuple:
        """Rows of the training data to adapt a flow to, of all workers; see `data.adapt_sample`."""
        if self.workers.count > 1 and not isinstance(data, tuple):
            data = _Gathered(distributed(data, self._strategy), self._strategy)
        return rows.adapt_sample(data)

    def fit(
        self,
        data,
        validation,
        callbacks: list,
        *,
        epochs: int,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq=1,
        verbose="auto",
    ):
        """Trains, and calls callbacks as Keras does, on each worker with the same numbers.

        Returns:
            The `History`.

        Raises:
            WorkerLostError: If another worker is gone.
        """
        model, chief = self._model, self.workers.chief
        verbose = (1 if verbose == "auto" else verbose) if chief else 0
        steps = steps_per_epoch or (data.batches if isinstance(data, Feed) else None)
        listed = keras.callbacks.CallbackList(
            [c for c in callbacks if chief or not writes(c)],
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
            model=model,
        )
        batches = distributed(data, self._strategy, endless=steps_per_epoch is not None)
        held_out = None if validation is None else distributed(validation, self._strategy)
        model.stop_training, logs = False, {}
        endless, when = None, "before the first epoch"
        silenced = [] if chief else [c for c in callbacks if isinstance(c, ResumableTraining)]
        paths = [callback.progress.path for callback in silenced]
        for callback in silenced:
            callback.progress.path = None
        try:
            listed.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                listed.on_epoch_begin(epoch)
                if isinstance(data, Feed):
                    data.begin(epoch, steps_per_epoch)
                if endless is None:
                    iterator = iter(batches)
                    endless = None if steps_per_epoch is None else iterator
                logs = self._epoch("train", iterator, steps_per_epoch, listed)
                if held_out is not None and _due(epoch, validation_freq):
                    found = self._epoch("test", iter(held_out), validation_steps, listed)
                    logs |= {f"val_{name}": value for name, value in found.items()}
                listed.on_epoch_end(epoch, logs)
                when = f"after epoch {epoch + 1}"
                model.stop_training = self.workers.any(model.stop_training)
                if model.stop_training:
                    break
            listed.on_train_end(logs)
        except tf.errors.OpError as error:
            if lost := self.workers.lost(error, when):
                raise lost from error
            raise
        finally:
            for callback, path in zip(silenced, paths, strict=True):
                callback.progress.path = path
        return model.history

    def evaluate(self, data, callbacks, *, steps=None, verbose="auto") -> dict[str, float]:
        """Measures; every worker gets the same numbers."""
        verbose = (1 if verbose == "auto" else verbose) if self.workers.chief else 0
        known = data.batches if isinstance(data, Feed) else None
        listed = keras.callbacks.CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=1,
            steps=steps or known,
            model=self._model,
        )
        iterator = iter(distributed(data, self._strategy))
        return self._epoch("test", iterator, steps, listed)

    def _epoch(self, name, iterator, steps, listed) -> dict[str, float]:
        model, number, logs = self._model, 0, {}
        for metric in model.metrics:
            metric.reset_state()
        step = self._step(f"{name}_step", iterator.element_spec)
        begin, end = (getattr(listed, f"on_{name}_batch_{side}") for side in ("begin", "end"))
        if name == "test":
            listed.on_test_begin()
        while steps is None or number < steps:
            try:
                # Not within the step: what does not depend on the batch would run without one.
                batch = next(iterator)
            except (StopIteration, tf.errors.OutOfRangeError):
                break
            begin(number)
            logs = {key: float(value) for key, value in step(batch).items()}
            end(number, logs)
            number += 1
            # A worker's own wish would leave the others waiting for it.
            if name == "train" and model.stop_training and self.workers.count == 1:
                break
            if name == "train" and model.stop_training and not _finite(logs):
                break
        if not number:
            raise ValueError("The data are empty, or were read to their end.")
        if name == "test":
            listed.on_test_end(logs)
        return logs


class _Gathered:
    """Batches with the rows of all replicas, the same on every worker."""

    def __init__(self, batches, strategy):
        self._batches, self._strategy = batches, strategy

    def __iter__(self):
        for batch in self._batches:
            yield tf.nest.map_structure(lambda part: self._strategy.gather(part, axis=0), batch)


def writes(callback) -> bool:
    """Whether a callback of Keras does nothing but write files, which is the chief's."""
    names = ("ModelCheckpoint", "BackupAndRestore", "TensorBoard", "CSVLogger")
    return isinstance(callback, tuple(getattr(keras.callbacks, name) for name in names))


def _as_list(variables) -> list:
    # Of older optimizers of tf_keras it is a method.
    return list(variables() if callable(variables) else variables)


def _finite(logs) -> bool:
    return all(abs(value) < float("inf") for value in logs.values())


def _due(epoch, frequency) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def feed_or_stream(data):
    """The feed of a dataset that has one's batches, and else the dataset."""
    return feed_of(data) or data


def predict_alone(model, stream, *, steps: int | None = None, verbose="auto", callbacks=None):
    """Log-densities of all rows of a stream, ``[n]``: each worker by itself, without the others."""
    del verbose, callbacks
    step = tf.function(model.predict_step, autograph=False, reduce_retracing=True)
    parts = [step(batch).numpy() for _, batch in zip(range(steps or 2**62), stream, strict=False)]
    return np.concatenate(parts)
