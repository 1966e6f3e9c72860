"""Callbacks for training on images: a learning rate within a budget, and grids of samples."""

import importlib
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.models.watching import EachCall
from tfp_flows.plotting import image_grid, save_image

keras = tf.keras


class WarmUpCosine(EachCall):
    """Raises the learning rate at first, then lowers it along a cosine to 0, and stops in time.

    It sets the rate before each call, which may run several steps.

    Args:
        peak: Highest learning rate.
        epochs: Epochs of the training.
        seconds: Most seconds of the training, compilation included; None for no limit.
        warm_up: Share of the training in which the rate rises, after the first call, which
            compiles.
        epochs_done: Epochs done by an earlier run that this one goes on with.
        seconds_done: Seconds that it took.

    Attributes:
        over: Whether the time is spent.
    """

    def __init__(
        self,
        peak: float,
        *,
        epochs: int,
        seconds: float | None = None,
        warm_up: float = 0.02,
        epochs_done: int = 0,
        seconds_done: float = 0.0,
    ):
        super().__init__()
        self._peak, self._epochs, self._seconds = peak, epochs, seconds
        self._warm_up, self._epoch, self._before = warm_up, epochs_done, seconds_done
        self._start = None
        self.over = False

    def rate(self, share: float) -> float:
        """The learning rate when this share of the training, 0 to 1, is done."""
        if share < self._warm_up:
            return self._peak * max(share, 0.05 * self._warm_up) / self._warm_up
        left = (1 - share) / (1 - self._warm_up)
        return self._peak * 0.5 * (1 - math.cos(math.pi * max(left, 0.0)))

    def on_train_begin(self, logs=None):
        """Starts the clock; called by Keras."""
        self._begin = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch; called by Keras."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the rate; called by Keras."""
        steps = self.params.get("steps")
        share = (self._epoch + (batch / steps if steps else 0.0)) / self._epochs
        if self._seconds is not None and self._start is not None:
            left = max(self._seconds - self._start, 1e-3)
            share = max(share, (self._spent() - self._start) / left)
        self.model.optimizer.learning_rate = self.rate(share)
        self.over = share >= 1

    def on_train_batch_end(self, batch, logs=None):
        """Stops when the time is spent; called by Keras."""
        if self._seconds is not None:
            spent = self._spent()
            if self._start is None:
                self._start = 0.0 if self._before else spent
            self.over = spent >= self._seconds
        if self.over:
            self.model.stop_training = True

    def _spent(self):
        return self._before + time.monotonic() - self._begin


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of samples after each epoch, and shows it in TensorBoard if asked to.

    The latents are the same each time, so that pictures of one place can be compared.

    Args:
        path: A .png file, or a folder, in which each epoch gets a file of its own.
        count: Number of samples.
        every: Epochs between grids.
        temperature: See `Flow.sample`.
        context: ``[count, *context_shape]`` of a conditional flow.
        seed: Seed of the latents.
        log_dir: Folder for TensorBoard, which also gets losses and bits per dimension; None for
            none.
        show: Called with each grid, bytes ``[height, width, channels]``.

    Raises:
        InputError: If logs are asked for and TensorBoard is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        count: int = 64,
        every: int = 1,
        temperature: float = 1.0,
        context=None,
        seed: int = 0,
        log_dir: str | os.PathLike[str] | None = None,
        show: Callable[[np.ndarray], None] | None = None,
    ):
        super().__init__()
        self._show = show
        self._path, self._count, self._every = Path(path), count, every
        self._temperature, self._context, self._seed = temperature, context, seed
        self._writer = None if log_dir is None else Logs(log_dir)
        self._draw = None

    def on_epoch_end(self, epoch, logs=None):
        """Draws the grid; called by Keras."""
        if (epoch + 1) % self._every:
            return
        grid = image_grid(self._samples())
        path = self._path
        if not path.suffix:
            path.mkdir(parents=True, exist_ok=True)
            path = path / f"epoch_{epoch + 1:04d}.png"
        save_image(grid, path)
        if self._show is not None:
            self._show(grid)
        if self._writer is not None:
            self._writer.write(epoch + 1, logs or {}, samples=grid)

    def _samples(self):
        if self._draw is None:
            flow = self.model.flow
            shape = self._count if self._context is None else ()

            @tf.function(autograph=False)
            def draw():
                return flow.sample(
                    shape, self._context, seed=self._seed, temperature=self._temperature
                )

            self._draw = draw
        return self._draw().numpy()


class Logs:
    """Measures and images for TensorBoard.

    Args:
        folder: Its folder.

    Raises:
        InputError: If TensorBoard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self._writer = _writer(folder)

    def write(self, step: int, measures: Mapping[str, float], **images: np.ndarray) -> None:
        """Writes measures, and images ``[height, width, channels]`` by name."""
        with self._writer.as_default(step=step):
            for name, image in images.items():
                tf.summary.image(name, image[None])
            for name, value in measures.items():
                tf.summary.scalar(name, float(value))
        self._writer.flush()


def _writer(folder):
    # TensorFlow no longer brings it along, and says so only when something is to be written.
    try:
        importlib.import_module("tensorboard")
    except ImportError as error:
        raise InputError(
            'Logs need TensorBoard, which is not installed: pip install "tfp-flows[tensorboard]".'
        ) from error
    return tf.summary.create_file_writer(str(folder))
