"""Training that stops by itself and goes on after a kill."""

import os
import time

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.models.feed import Feed
from tfp_flows.training_state import Arrays, TrainingState

keras = tf.keras


class ResumableTraining(keras.callbacks.Callback):
    """Early stopping, learning-rate decay and a training state that survives a kill.

    After each epoch the whole state goes to one file, which is replaced as a whole: weights, best
    weights, the optimizer's variables, epoch, counters, learning rate and history. `resume` reads
    it. When training ends, the model gets the weights of the best epoch. Training also stops, at
    once, when the training loss is no longer finite.

    A resumed `FlowModel.fit` takes the steps of an uninterrupted one and ends with the same
    weights: the order of arrays and of `batches`, and what bijectors draw at random, depend on
    seed and step alone. Streams of your own must see to their order, by `epoch_number`. What is
    not saved: the position within an epoch (an interrupted epoch starts again) and the state of
    random layers of a user's own network, such as dropout.

    Args:
        path: File of the state, ``.npz``; None keeps the state in memory only.
        monitor: Entry of the logs to watch; lower is better.
        patience: Epochs without improvement after which training stops.
        min_delta: Smallest decrease that counts as an improvement, in the monitor's unit.
        decay: Factor on the learning rate after ``decay_patience`` epochs without improvement.
        decay_patience: See ``decay``; None leaves the learning rate alone.
        seed: Seed of the order of rows and of what is drawn in steps.

    Attributes:
        progress: The `TrainingState`: what `epoch`, `stopped`, `best`, `best_epoch` and `history`
            read. Another one may be put in its place before training.
        seed: The seed.
        epoch_number: The epoch that runs, from 0, as a variable: `Images.batches` reads it.
        diverged: What was wrong when the loss was no longer finite, and in which step; None
            before.

    Example:
        >>> training = ResumableTraining("state.npz", patience=20)
        >>> epochs = training.resume(model)
        >>> if not training.stopped:
        ...     model.fit(x, batch_size=256, validation_data=x_val, epochs=200,
        ...               initial_epoch=epochs, callbacks=[training])
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        monitor: str = "val_loss",
        patience: int = 20,
        min_delta: float = 0.0,
        decay: float = 0.5,
        decay_patience: int | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self.progress = TrainingState(
            path, monitor=monitor, patience=patience, min_delta=min_delta, seed=seed
        )
        self.decay, self.decay_patience = decay, decay_patience
        self.seed = seed
        self.epoch_number = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.diverged: str | None = None
        self._feeds: list[Feed] = []
        self._started = 0.0

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return self.progress.epoch

    @property
    def stopped(self) -> bool:
        """Whether training ended by itself before its last epoch."""
        return self.progress.stopped

    @property
    def best(self) -> float:
        """Lowest value of the monitor; infinite before the first epoch."""
        return self.progress.best

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest value, counted from 1; 0 before the first."""
        return self.progress.best_epoch

    @property
    def history(self) -> dict[str, list[float]]:
        """Values, one an epoch, of the logs' entries, ``learning_rate`` and ``seconds``."""
        return self.progress.history

    def batches(self, x, batch_size: int) -> tf.data.Dataset:
        """Batches of rows in an order that depends on seed and epoch alone.

        All batches have the same size, so that a compiled step is compiled once: the last is
        filled up with the first rows of the epoch's order. Every row is seen in every epoch.

        Args:
            x: ``[n, ...]``, or a tuple of arrays of ``n`` rows, such as ``(x, context)``.
            batch_size: Rows a batch; ``n`` if that is less.

        Returns:
            A dataset for ``fit``, of any Keras model; `FlowModel.fit` reads it faster than
            `tf.data` would.
        """
        arrays = x if isinstance(x, tuple) else (x,)
        feed = Feed(arrays, batch_size, seed=self.seed, fill=True, single=not isinstance(x, tuple))
        return self.led(feed)

    def led(self, feed: Feed) -> tf.data.Dataset:
        """The batches of a feed, which goes to each epoch as it begins."""
        self._feeds.append(feed)
        return feed.dataset()

    def resume(self, model: keras.Model) -> int:
        """Puts the saved state into a compiled model of the same architecture.

        Args:
            model: The model to train.

        Returns:
            The number of finished epochs, for ``fit(initial_epoch=...)``; 0 without a file.

        Raises:
            InputError: If the file is damaged, belongs to another model or has another seed.
        """
        arrays = self.progress.load()
        if arrays is None:
            return 0
        self.put(model, arrays)
        return self.epoch

    def arrays(self, model: keras.Model) -> Arrays:
        """All that training changes in a compiled model, beside what `progress` holds."""
        return {
            "weight": model.get_weights(),
            "optimizer": [np.asarray(v) for v in _optimizer(model).variables],
            "rate": [np.asarray(model.optimizer.learning_rate)],
        }

    def put(self, model: keras.Model, arrays: Arrays) -> None:
        """Puts what `arrays` returned into a compiled model of the same architecture.

        Raises:
            InputError: If the arrays belong to another model.
        """
        targets = {"weight": model.weights, "optimizer": _optimizer(model).variables}
        for name, variables in targets.items():
            if [tuple(v.shape) for v in variables] != [a.shape for a in arrays.get(name, [])]:
                raise InputError(
                    f"{self.progress.path} holds the state of another training; remove it to begin "
                    "anew."
                )
        for name, variables in targets.items():
            for variable, value in zip(variables, arrays[name], strict=True):
                variable.assign(value)
        model.optimizer.learning_rate = float(arrays["rate"][0])

    def restore_best(self, model: keras.Model) -> None:
        """Gives the model the weights of the best epoch, if there was one."""
        if self.progress.best_weights is not None:
            model.set_weights(self.progress.best_weights)

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the order of the rows; called by Keras."""
        self.epoch_number.assign(epoch)
        for feed in self._feeds:
            feed.begin(epoch)
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Judges the epoch and saves the state; called by Keras.

        Raises:
            InputError: If the logs lack the monitor, or the state cannot be written.
        """
        logs = {name: float(value) for name, value in (logs or {}).items()}
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        logs |= {"learning_rate": rate, "seconds": time.monotonic() - self._started}
        self.progress.epoch = epoch
        better = self.progress.judge(logs, self.model.get_weights)
        if not better and self.decay_patience and not self.progress.wait % self.decay_patience:
            self.model.optimizer.learning_rate = rate * self.decay
        self.progress.save(lambda: self.arrays(self.model))
        if self.stopped:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Restores the best weights; called by Keras."""
        self.restore_best(self.model)


def _optimizer(model):
    with model.distribute_strategy.scope():
        model.optimizer.build(model.trainable_variables)  # does nothing the second time
    return model.optimizer
