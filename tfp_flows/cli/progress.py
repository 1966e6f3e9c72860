"""Progress of a training: a live bar on a terminal, a line every few epochs elsewhere."""

import tensorflow as tf
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tfp_flows.models import ResumableTraining
from tfp_flows.terminal import progress_console

_LINES_EVERY = 10


class TrainingProgress(tf.keras.callbacks.Callback):
    """Shows epoch, mean log-likelihoods in nats, the best one, and the time left.

    Args:
        training: The callback that judges the epochs; it must come before this one.
        epochs: Most epochs.
    """

    def __init__(self, training: ResumableTraining, epochs: int):
        super().__init__()
        self._training, self._epochs = training, epochs
        self._console = progress_console()
        self._bar = None

    def on_train_begin(self, logs=None):
        """Opens the bar; called by Keras."""
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("at most"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self._console,
        )
        done = self._training.epoch
        self._task = self._bar.add_task("compiling ...", total=self._epochs, completed=done)
        self._bar.start()

    def on_epoch_end(self, epoch, logs=None):
        """Shows the epoch; called by Keras."""
        done = epoch + 1
        text = self._text(logs)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=text)
        elif done == 1 or done % _LINES_EVERY == 0:
            self._console.print(f"epoch {done}/{self._epochs}: {text}")

    def on_train_end(self, logs=None):
        """Closes the bar; called by Keras."""
        self.close()

    def close(self) -> None:
        """Gives the terminal back; needed where training ends by an exception."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _text(self, logs) -> str:
        best = self._training
        return (
            f"train {-float(logs['loss']):.3f}, validation {-float(logs['val_loss']):.3f}, "
            f"best {-best.best:.3f} nats (epoch {best.best_epoch})"
        )
