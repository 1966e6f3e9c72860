"""Training a flow as the command does it: settings that serve most tables."""

import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfp_flows.cli import folder
from tfp_flows.cli.progress import TrainingProgress
from tfp_flows.cli.settings import FitSettings
from tfp_flows.datasets import Splits
from tfp_flows.errors import DataWarning, InputError
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel, ResumableTraining
from tfp_flows.terminal import note

_GRADIENT_NORM = 5.0
# An improvement below this, in nats, is noise.
_MIN_DELTA = 1e-4
_DECAY = 0.5
_VALIDATION_BATCH = 10_000


def train(
    flow: Flow, settings: FitSettings, run: Path, splits: Splits
) -> tuple[FlowModel, ResumableTraining]:
    """Trains to the best epoch, from the saved state if there is one.

    Args:
        flow: An untrained flow.
        settings: What the user asked for.
        run: Folder of the run, where the training state is kept.
        splits: Training, validation and test rows; the last are not looked at.

    Returns:
        The model with the weights of the best epoch, and the callback that knows the history.

    Raises:
        InputError: If training diverges at once, or the state cannot be read or written.
    """
    model = FlowModel(flow)
    model.compile(
        tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=_GRADIENT_NORM),
    )
    training = ResumableTraining(
        run / folder.STATE,
        patience=settings.patience,
        min_delta=_MIN_DELTA,
        decay=_DECAY,
        decay_patience=max(1, settings.patience // 3),
        seed=settings.seed,
    )
    begun = training.resume(model)
    if not begun:
        # The validation rows as well: a flow of bounded support should cover them.
        with warnings.catch_warnings():
            # The columns that it would warn of have been named before.
            warnings.simplefilter("ignore", DataWarning)
            flow.adapt(np.concatenate([splits.train, splits.validation]))
    if begun < settings.epochs and not training.stopped:
        progress = TrainingProgress(training, settings.epochs)
        try:
            model.fit(
                training.batches(splits.train, settings.batch_size),
                validation_data=splits.validation,
                validation_batch_size=_VALIDATION_BATCH,
                epochs=settings.epochs,
                initial_epoch=begun,
                callbacks=[training, progress],
                verbose=0,
            )
        finally:
            progress.close()
    else:
        training.restore_best(model)
    _judge(training, run)
    return model, training


def _judge(training: ResumableTraining, run: Path) -> None:
    if not training.best_epoch:
        (run / folder.STATE).unlink(missing_ok=True)
        raise InputError(
            "Training diverged: no epoch ended with a finite loss; lower --learning-rate, or look "
            "for extreme values in the data."
        )
    if not np.isfinite(training.history["loss"][-1]):
        note(
            f"training diverged in epoch {training.epoch}; the model is that of epoch "
            f"{training.best_epoch}."
        )
