"""What `FlowModel.fit` knows of callbacks, and the one that it adds itself."""

import math
import warnings

import numpy as np
import tensorflow as tf

from tfp_flows.keras_worlds import KERAS3, KERAS_NAMES, OLD_KERAS, how_to_become
from tfp_flows.models.callbacks import ResumableTraining
from tfp_flows.models.feed import Feed

keras = tf.keras
_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


def as_list(callbacks) -> list:
    """The callbacks that `fit` was given, in whatever form, as a list of their own."""
    if callbacks is None:
        return []
    return list(getattr(callbacks, "callbacks", None) or tf.nest.flatten(callbacks))


def check_callbacks(callbacks: list) -> None:
    """Refuses what would be found useless after a training.

    Raises:
        ValueError: If a checkpoint would be written in a format that no flow can be read from.
    """
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.ModelCheckpoint) or callback.save_weights_only:
            continue
        if not str(callback.filepath).endswith(".keras"):
            raise ValueError(
                f"From the files of ModelCheckpoint({str(callback.filepath)!r}) no flow could be "
                'loaded; end its path in ".keras", or give save_weights_only=True.'
            )


def needs_every_step(callbacks: list) -> bool:
    """Whether a callback acts on single steps, so that a call may run no more than one."""
    return any(map(_acts_on_steps, callbacks))


def _acts_on_steps(callback) -> bool:
    if isinstance(callback, EachCall):
        return False
    if any(hook in vars(callback) for hook in _HOOKS):
        return True
    functions = [getattr(type(callback), hook, None) for hook in _HOOKS]
    standard = [getattr(keras.callbacks.Callback, hook) for hook in _HOOKS]
    own = {f.__module__ for f, s in zip(functions, standard, strict=True) if f not in (None, s)}
    if any(module.partition(".")[0] not in KERAS_NAMES for module in own):
        return True
    # Keras' own act on steps where they are told to.
    often = getattr(callback, "save_freq", None) or getattr(callback, "update_freq", None)
    return bool(own) and often not in (None, "epoch")


class EachCall(keras.callbacks.Callback):
    """A callback whose hooks of batches are content with one of the several that a call runs.

    With any other that has such hooks `FlowModel.fit` runs one step a call, which costs a small
    flow several times the time.
    """


class Watch(EachCall):
    """Tells a feed where an epoch is, and ends a training that diverges.

    Args:
        feed: The feed that is trained on, or None.
        steps: Steps of an epoch that the user asked for, or None.
        training: The callback that keeps the best weights, or None; then this one keeps them.
    """

    def __init__(self, feed: Feed | None, steps: int | None, training: ResumableTraining | None):
        super().__init__()
        self._feed, self._steps, self._training = feed, steps, training
        self._epoch, self._begun = 0, 0
        self._best, self._kept, self._kept_epoch = math.inf, None, 0
        self._monitor = "loss"

    def on_epoch_begin(self, epoch, logs=None):
        """Keeps the first weights; called by Keras."""
        self._epoch = epoch
        if self._kept is None:
            self._kept, self._kept_epoch = self.model.get_weights(), epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Leads the feed to the step; called by Keras."""
        self._begun = batch
        if self._feed is not None:
            self._feed.begin(self._epoch, self._steps, batch)

    def on_train_batch_end(self, batch, logs=None):
        """Stops where the loss is not finite; called by Keras."""
        if self.model.stop_training or math.isfinite(float(logs["loss"])):
            return
        self.model.stop_training = True
        if self._training is not None and self._training.best_epoch:
            self._training.restore_best(self.model)
            epoch = self._training.best_epoch
        else:
            self.model.set_weights(self._kept)
            epoch = self._kept_epoch
        for variable in self.model.optimizer.variables:
            # Moments that are not finite would spoil the next training as well.
            value = np.asarray(variable)
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                variable.assign(np.zeros_like(value))
        step = self._begun + self.model.first_bad_step() + 1
        weights = f"those after epoch {epoch}" if epoch else "those from before the training"
        said = (
            f"Training diverged: the loss of step {step} of epoch {self._epoch + 1} is not "
            f"finite, and the weights are {weights} again; lower the learning rate, or look for "
            "extreme values in the data."
        )
        if self._training is not None:
            self._training.diverged = said
        else:
            warnings.warn(said, stacklevel=2)

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights of the best epoch; called by Keras."""
        if self._training is not None or not math.isfinite(float(logs["loss"])):
            return
        if "val_loss" in logs and self._monitor == "loss":
            self._monitor, self._best = "val_loss", math.inf
        value = float(logs.get(self._monitor, math.inf))
        if value < self._best:
            self._best, self._kept, self._kept_epoch = value, self.model.get_weights(), epoch + 1


def in_replicas(strategy: tf.distribute.Strategy) -> bool:
    """Whether steps must be run by the strategy, and one program of several cannot be made."""
    with strategy.scope():
        distributed = tf.distribute.has_strategy()
    # The variables of tf_keras ask for a replica also where there is one only.
    return distributed and (not KERAS3 or strategy.num_replicas_in_sync > 1)


def check_strategy(strategy: tf.distribute.Strategy) -> None:
    """Refuses what Keras 3 answers with a page of tensors.

    Raises:
        ValueError: If it is a strategy that works in tf_keras alone.
    """
    if KERAS3 and isinstance(strategy, tf.distribute.ParameterServerStrategy):
        raise ValueError(
            f"Keras 3 cannot train under ParameterServerStrategy; {how_to_become(OLD_KERAS)}, or "
            "use MultiWorkerMirroredStrategy."
        )
