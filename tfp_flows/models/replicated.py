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
from tfp_flows.models.feed import Feed
from tfp_flows.models.shards import Gathered, distributed
from tfp_flows.models.watching import Watch
from tfp_flows.models.workers import Workers, fingerprint

keras = tf.keras


class Loop:
    """Runs steps of a model on the replicas of its strategy.

    Args:
        model: The `FlowModel`, compiled.
    """

    def __init__(self, model):
        self._model, self._strategy = model, model.distribute_strategy
        self.workers = Workers(self._strategy)
        self._rate_moves = False
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

    def check_ready(self, data, validation, facts: dict) -> None:
        """Checks what would fail in the middle, or quietly train other models on other workers.

        Args:
            data: The `Feed` or stream to train on.
            validation: That to validate on, or None.
            facts: What else workers must have alike, by what it is called.

        Raises:
            InputError: If variables were made outside of the strategy's scope, or workers differ.
        """
        model, strategy = self._model, self._strategy
        made = [*model.variables, model.optimizer.iterations]
        made = [variable.value if KERAS3 else variable for variable in made]
        out = [v for v in made if not strategy.extended.variable_created_in_scope(v)]
        if out:
            raise InputError(
                f"The variable {out[0].name} was made outside of the strategy's scope; build the "
                "flow, the model and its optimizer within `with strategy.scope():`."
            )
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
        if self.workers.count > 1:
            weights = [np.asarray(variable) for variable in model.flow.variables]
            self.workers.check_same(
                {
                    "training data": _told(data),
                    "validation data": _told(validation),
                    "optimizers": _settings_of(model.optimizer),
                    "weights": fingerprint(weights),
                    **facts,
                }
            )

    def adapt_sample(self, data) -> tuple:
        """Rows of a stream to adapt a flow to, of all workers; see `data.adapt_sample`."""
        if self.workers.count == 1:
            return rows.adapt_sample(data)
        with self.workers.guarded():
            parts = distributed(data, self._strategy)
            return rows.adapt_sample(Gathered(parts, self._strategy))

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
        """
        model, chief = self._model, self.workers.chief
        verbose = (1 if verbose == "auto" else verbose) if chief else 0
        self._rate_moves = self.workers.count > 1 and any(map(_acts_before_steps, callbacks))
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
        model.stop_training = False
        if initial_epoch:
            self.workers.when = f"after epoch {initial_epoch}"
        endless = None
        silenced = [] if chief else [c for c in callbacks if isinstance(c, ResumableTraining)]
        paths = [callback.progress.path for callback in silenced]
        for callback in silenced:
            callback.progress.path = None
        try:
            with self.workers.guarded():
                listed.on_train_begin()
                logs = {}
                for epoch in range(initial_epoch, epochs):
                    listed.on_epoch_begin(epoch)
                    self._agree_on_rate()
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
                    self.workers.when = f"after epoch {epoch + 1}"
                    model.stop_training = self.workers.any(model.stop_training)
                    if model.stop_training:
                        break
                listed.on_train_end(logs)
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
        with self.workers.guarded():
            iterator = iter(distributed(data, self._strategy))
            return self._epoch("test", iterator, steps, listed)

    def _agree_on_rate(self) -> None:
        """Gives the optimizer the chief's rate: one that follows the clock differs by worker."""
        rate = getattr(self._model.optimizer, "_learning_rate", None)
        schedules = keras.optimizers.schedules.LearningRateSchedule
        if self.workers.count == 1 or rate is None or isinstance(rate, schedules):
            return
        mine = np.float64(np.asarray(self._model.optimizer.learning_rate))
        chiefs = np.int64(self.workers.of_chief(mine.view(np.int64))).view(np.float64)
        if chiefs != mine:
            self._model.optimizer.learning_rate = float(chiefs)

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
            if name == "train" and self._rate_moves:
                self._agree_on_rate()
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


def writes(callback) -> bool:
    """Whether a callback of Keras does nothing but write files, which is the chief's."""
    names = ("ModelCheckpoint", "BackupAndRestore", "TensorBoard", "CSVLogger")
    return isinstance(callback, tuple(getattr(keras.callbacks, name) for name in names))


def _told(data) -> str:
    """What workers must know alike of data; other streams than feeds are each worker's own."""
    return data.fingerprint() if isinstance(data, Feed) else type(data).__name__


def _settings_of(optimizer) -> dict:
    settings = dict(keras.optimizers.serialize(optimizer)["config"])
    settings.pop("name", None)
    # Once it has moved it may have followed a worker's own clock; the chief's is then taken.
    if np.asarray(optimizer.iterations).item() and not isinstance(
        settings.get("learning_rate"), dict
    ):
        settings.pop("learning_rate", None)
    return {"class": type(optimizer).__name__, **settings}


def _acts_before_steps(callback) -> bool:
    hooks = ("on_train_batch_begin", "on_batch_begin")
    plain = keras.callbacks.Callback
    own = any(getattr(type(callback), hook) is not getattr(plain, hook) for hook in hooks)
    return own and not isinstance(callback, Watch)


def _finite(logs) -> bool:
    return all(abs(value) < float("inf") for value in logs.values())


def _due(epoch, frequency) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
