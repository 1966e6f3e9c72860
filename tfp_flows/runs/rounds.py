"""The rounds of a training: how many, how long, what is kept of each, and what is shown."""

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.runs import folder
from tfp_flows.runs.settings import Settings
from tfp_flows.runs.work import Trainer
from tfp_flows.terminal import kept_interrupts, progress_console, rounds_bar
from tfp_flows.training_state import TrainingState

_LINES_EVERY = 10


class Rounds:
    """The rounds of one training, those of earlier processes included.

    Args:
        trainer: Who trains.
        settings: For epochs, minutes and patience, and TensorBoard's folder.
        place: Folder in which the state is kept.
        kind: Name of the kind of work.
        state: Name of the file of the state.
        spared: Seconds of the given time that something else has taken.
        pause: Seconds after which the rounds are over for now, if any; those of the first step and
            the first validation, which compile, are not counted.

    Attributes:
        state: The `TrainingState`: which round it is, and which was the best.
        epochs: Most rounds.
        seconds: Most seconds, or None.
        earlier: Seconds of earlier processes.
        place: Folder in which the state is kept.
        logs: For TensorBoard, if it was asked for.
        once: Seconds that do not bring a pause nearer, as of compilation.
        diverged: Where the loss was no longer finite, if a trainer can say so.

    Raises:
        InputError: If a kept state is damaged or of another model.
    """

    def __init__(
        self,
        trainer: Trainer,
        settings: Settings,
        place: Path,
        kind: str,
        *,
        state: str = folder.STATE,
        spared: float = 0.0,
        pause: float | None = None,
    ):
        self.trainer, self.place, self.epochs = trainer, place, settings.epochs
        self.seconds = None if settings.minutes is None else 60 * settings.minutes - spared
        self._file, self._pause, self.once = place / state, pause, 0.0
        self.diverged: str | None = None
        self.state = TrainingState(
            self._file,
            monitor=trainer.monitor,
            patience=settings.patience,
            min_delta=trainer.min_delta,
            kind=kind,
            seed=settings.seed,
        )
        arrays = self.state.load()
        if arrays is not None:
            trainer.restore(arrays)
        self.earlier = sum(self.state.history.get("seconds", []))
        self._begun = self._since = time.monotonic()
        self._console, self._show = progress_console(), None
        self._interrupt = lambda: None
        self.logs = None
        if settings.tensorboard is not None:
            from tfp_flows.models.image_callbacks import Logs

            self.logs = Logs(settings.tensorboard)

    @property
    def spent(self) -> float:
        """Seconds of training until now."""
        return self.earlier + time.monotonic() - self._begun

    @property
    def over(self) -> bool:
        """Whether no further round is to begin."""
        return self.state.stopped or self.state.epoch >= (1 if self.late else self.epochs)

    @property
    def late(self) -> bool:
        """Whether the time is over, or that until a pause."""
        paused = self._pause is not None and self.spent >= self._pause + self.once
        return paused or (self.seconds is not None and self.spent >= self.seconds)

    def train(self) -> None:
        """Has the trainer run what is left, and gives the model the weights of the best round.

        Raises:
            InputError: If no round ended with a finite loss.
        """
        if not self.over:
            bar = rounds_bar(self._console, self.epochs, self.state.epoch)
            with bar as self._show, kept_interrupts() as self._interrupt:
                self.trainer.run(self)
                self._interrupt()
        if not self.state.best_epoch or not math.isfinite(self.state.best):
            self._file.unlink(missing_ok=True)
            raise InputError(
                "Training diverged: no epoch ended with a finite loss; lower --learning-rate, or "
                "look for extreme values in what is fitted to."
            )
        self.trainer.restore({"weight": self.state.best_weights})

    def __iter__(self) -> Iterator[int]:
        """The numbers of the rounds that are left, from 0; for a loop of one's own."""
        while not self.over:
            self._since = time.monotonic()
            yield self.state.epoch

    def end(self, logs: Mapping[str, float]) -> None:
        """Closes a round of a loop of one's own: judges, keeps and shows it.

        Its ``logs`` are numbers: ``loss``, ``val_loss`` if there is one, and others.
        """
        logs = {name: float(value) for name, value in logs.items()}
        logs["seconds"] = time.monotonic() - self._since
        self.state.judge(logs, lambda: self.trainer.state()["weight"])
        self.state.save(self.trainer.state)
        self.tell(logs)

    def tell(self, logs: Mapping[str, Any]) -> None:
        """Shows a round that is already judged and kept: a live bar, or a line every few rounds."""
        done, best, shift = self.state.epoch, self.state, self.trainer.shift
        shown = [
            f"{label} {shift - float(logs[name]):.3f}"
            for label, name in (("train", "loss"), ("validation", "val_loss"))
            if name in logs
        ]
        text = (
            f"{', '.join(shown)}, best {shift - best.best:.3f} {self.trainer.unit} "
            f"(epoch {best.best_epoch})"
        )
        if self._show is not None:
            self._show(done, text)
        elif done == 1 or done % _LINES_EVERY == 0:
            self._console.print(f"epoch {done}/{self.epochs}: {text}")
        if self.logs is not None:
            self.logs.write(done, logs)
        self._interrupt()
