"""Interrupts that cannot get lost."""

import signal
import threading

import tensorflow as tf


class Interrupts(tf.keras.callbacks.Callback):
    """Sees to it that an interrupt (Ctrl-C) ends a fit: a context manager, and a callback.

    Python drops a `KeyboardInterrupt` that happens to be raised while it finalises an object. This
    remembers the signal, and raises again after the batch.
    """

    def __init__(self):
        super().__init__()
        self._seen, self._before = False, None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_):
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number, frame):
        self._seen = True
        raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        """Raises an interrupt that was dropped; called by Keras."""
        if self._seen:
            raise KeyboardInterrupt
