"""Training that stops by itself and goes on after a kill."""

import json
import math
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.models.feed import Feed

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
        epoch: Number of finished epochs.
        stopped: Whether training ended by itself before its last epoch.
        best: Lowest value of the monitor; infinite before the first epoch.
        best_epoch: Its epoch, counted from 1; 0 before.
        history: Lists of values, one an epoch, of every entry of the logs, ``learning_rate`` and
            ``seconds``.
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
        self.path = None if path is None else Path(path)
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.decay, self.decay_patience = decay, decay_patience
        self.epoch, self.stopped = 0, False
        self.best, self.best_epoch = math.inf, 0
        self.history: dict[str, list[float]] = {}
        self._wait = 0
        self._best_weights: list[np.ndarray] | None = None
        self.seed = seed
        self.epoch_number = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.diverged: str | None = None
        self._feeds: list[Feed] = []
        self._started = 0.0

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
        if self.path is None or not self.path.exists():
            return 0
        state, arrays = _read(self.path)
        if state.get("seed", self.seed) != self.seed:
            raise InputError(
                f"{self.path} was begun with seed {state['seed']}, not {self.seed}; give that "
                "seed, or remove the file to begin anew."
            )
        _optimizer(model)
        targets = {"weight": model.weights, "optimizer": model.optimizer.variables}
        found = {name: _group(arrays, name) for name in (*targets, "best")}
        for name, variables in targets.items():
            if [tuple(v.shape) for v in variables] != [a.shape for a in found[name]]:
                raise InputError(
                    f"{self.path} holds the state of another training; remove it to begin anew."
                )
        for name, variables in targets.items():
            for variable, value in zip(variables, found[name], strict=True):
                variable.assign(value)
        self._best_weights = found["best"] or None
        self.epoch, self.stopped = state["epoch"], state["stopped"]
        self.best = math.inf if state["best"] is None else state["best"]
        self.best_epoch, self._wait = state["best_epoch"], state["wait"]
        self.history = {
            name: [math.nan if value is None else value for value in values]
            for name, values in state["history"].items()
        }
        model.optimizer.learning_rate = state["learning_rate"]
        return self.epoch

    def restore_best(self, model: keras.Model) -> None:
        """Gives the model the weights of the best epoch, if there was one."""
        if self._best_weights is not None:
            model.set_weights(self._best_weights)

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
        if self.monitor not in logs:
            raise InputError(
                f"There is no {self.monitor!r} to watch, only {', '.join(logs)}; give fit "
                "validation data or choose another monitor."
            )
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        logs |= {"learning_rate": rate, "seconds": time.monotonic() - self._started}
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        self.epoch = epoch + 1
        # Where training diverged, the weights are those of an earlier epoch again.
        good = math.isfinite(logs.get("loss", 0.0))
        if good and logs[self.monitor] < self.best - self.min_delta:
            self.best, self.best_epoch, self._wait = logs[self.monitor], self.epoch, 0
            self._best_weights = self.model.get_weights()
        else:
            self._wait += 1
            if self.decay_patience and self._wait % self.decay_patience == 0:
                self.model.optimizer.learning_rate = rate * self.decay
        self.stopped = self._wait >= self.patience or not good
        if self.path is not None:
            self._save()
        if self.stopped:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Restores the best weights; called by Keras."""
        self.restore_best(self.model)

    def _save(self):
        state = {
            "epoch": self.epoch,
            "seed": self.seed,
            "stopped": self.stopped,
            "best": _finite(self.best),
            "best_epoch": self.best_epoch,
            "wait": self._wait,
            "learning_rate": float(np.asarray(self.model.optimizer.learning_rate)),
            "history": {name: list(map(_finite, values)) for name, values in self.history.items()},
        }
        groups = {
            "weight": self.model.get_weights(),
            "best": self._best_weights or [],
            "optimizer": [np.asarray(v) for v in _optimizer(self.model).variables],
        }
        arrays = {f"{name}_{i}": a for name, group in groups.items() for i, a in enumerate(group)}
        with atomic_path(self.path) as temporary:
            np.savez(temporary, state=np.array(json.dumps(state)), **arrays)


def _optimizer(model):
    model.optimizer.build(model.trainable_variables)  # does nothing the second time
    return model.optimizer


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return json.loads(str(arrays.pop("state"))), arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a training state, or is damaged; remove it to begin anew."
        ) from error


def _group(arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    found = [array for key, array in arrays.items() if key.rpartition("_")[0] == name]
    return [arrays[f"{name}_{i}"] for i in range(len(found))]
