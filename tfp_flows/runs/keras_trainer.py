"""`FlowModel.fit` as a trainer."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfp_flows.models import EachCall, FlowModel, ResumableTraining, WarmUpCosine
from tfp_flows.runs.rounds import Rounds
from tfp_flows.training_state import Arrays


def warm_up(learning_rate: float, rounds: Rounds) -> WarmUpCosine:
    """A rate that rises to ``learning_rate`` and falls to 0 by the end of the rounds."""
    return WarmUpCosine(
        learning_rate,
        epochs=rounds.epochs,
        seconds=rounds.seconds,
        epochs_done=rounds.state.epoch,
        seconds_done=rounds.earlier,
    )


class KerasTrainer:
    """Trains a compiled `FlowModel` with `fit`; see `work.Trainer`.

    Args:
        model: The model.
        training: Judges, keeps and decays; its patience, path and the like are the rounds'.
        data: Gives the arguments of `fit` that are data, once training begins.
        prepare: Called before the first step of a fit that is not resumed.
        callbacks: Gives further callbacks, which come after ``training``.
        min_delta: Smallest decrease of what is watched that counts, in nats.
        monitor: Entry of the logs that is watched; ``"loss"`` where no data are kept for that.
        shift: What is added to minus the losses where they are shown, in nats.
    """

    unit = "nats"

    def __init__(
        self,
        model: FlowModel,
        training: ResumableTraining,
        *,
        data: Callable[[], dict[str, Any]],
        prepare: Callable[[], Any] | None = None,
        callbacks: Callable[[Rounds], Sequence[tf.keras.callbacks.Callback]] = lambda rounds: (),
        min_delta: float = 0.0,
        monitor: str = "val_loss",
        shift: float = 0.0,
    ):
        self.min_delta, self.monitor, self.shift = min_delta, monitor, shift
        self._model, self._training, self._data = model, training, data
        self._prepare, self._callbacks = prepare, callbacks

    def run(self, rounds: Rounds) -> None:
        """Trains until the rounds are over."""
        if not rounds.state.epoch and self._prepare is not None:
            self._prepare()
        self._training.progress = rounds.state
        self._model.fit(
            **self._data(),
            epochs=rounds.epochs,
            initial_epoch=rounds.state.epoch,
            callbacks=[self._training, *self._callbacks(rounds), _Told(rounds)],
            verbose=0,
        )
        rounds.diverged = self._training.diverged

    def state(self) -> Arrays:
        """Weights and the optimizer's variables."""
        return self._training.arrays(self._model)

    def restore(self, arrays: Arrays) -> None:
        """Puts them back."""
        if set(arrays) == {"weight"}:
            self._model.set_weights(arrays["weight"])
        else:
            self._training.put(self._model, arrays)


class _Told(EachCall):
    """Shows each epoch, and ends the training in the middle of one when the time is over."""

    def __init__(self, rounds: Rounds):
        super().__init__()
        self._rounds, self._compiled = rounds, set()
        self._since = time.monotonic()

    def _count_out(self, what):
        self._compiled.add(what)
        self._rounds.once += time.monotonic() - self._since

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the clock; called by Keras."""
        if "step" not in self._compiled:
            self._count_out("step")
        if self._rounds.late:
            self.model.stop_training = True

    def on_test_begin(self, logs=None):
        """Looks at the clock; called by Keras."""
        self._since = time.monotonic()

    def on_test_end(self, logs=None):
        """Looks at the clock; called by Keras."""
        if "validation" not in self._compiled:
            self._count_out("validation")

    def on_epoch_end(self, epoch, logs=None):
        """Shows the epoch; called by Keras."""
        self._rounds.tell(logs or {})
