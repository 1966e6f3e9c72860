"""What the two TensorFlow libraries share: both train with `fit` of a Keras."""

import abc
import time

import tensorflow as tf

from benchmarks.speed.peers.base import Peer


class KerasPeer(Peer):
    """A distribution inside a Keras model; calls are traced by `tf.function`."""

    jit_compile = True

    def __init__(self, case, data, variant, threads):
        super().__init__(case, data, variant, threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._rows = tf.constant(self.batch)
        self.flow, self.model = self.build()

    @property
    @abc.abstractmethod
    def callback(self) -> type:
        """The class of callbacks of the peer's Keras."""

    @abc.abstractmethod
    def build(self):
        """Builds the distribution and the model, compiled, that trains it."""

    @abc.abstractmethod
    def fit(self, x, epochs, callback):
        """Runs `fit` with one callback."""

    @abc.abstractmethod
    def draw_with_density(self):
        """Samples and their log-densities."""

    def parameters(self):
        """See `Peer`."""
        return sum(int(tf.size(v)) for v in self.flow.trainable_variables)

    def operations(self):
        """See `Peer`."""
        calls = {
            "log_prob": lambda: self.flow.log_prob(self._rows),
            "sample": lambda: self.flow.sample(self.case.batch),
            "sample_and_log_prob": self.draw_with_density,
        }
        return {name: self._call(function) for name, function in calls.items()}

    def _call(self, function):
        function = tf.function(function, jit_compile=self.jit_compile)
        return lambda: tf.nest.map_structure(lambda t: t.numpy(), function())

    def first_step(self):
        """See `Peer`."""
        stop = _stop_after_step(self.callback)
        start = time.perf_counter()
        self.fit(self.data, 1, stop)
        return stop.end - start

    def epochs(self, steps, seconds):
        """See `Peer`."""
        clock = _epoch_clock(self.callback, seconds)
        self.fit(self.data[: steps * self.case.batch], 1_000_000, clock)
        return clock.times

    def products(self, rows, size, count):
        """See `Peer`."""
        start, factor = tf.random.normal([rows, size]), tf.random.normal([size, size]) / size**0.5

        @tf.function(jit_compile=True)
        def chain(x, factor):
            for _ in range(count):
                x = x @ factor
            return x

        return lambda: chain(start, factor)


def _stop_after_step(callback):
    class StopAfterStep(callback):
        end = None

        def on_train_batch_end(self, batch, logs=None):
            if self.end is None:
                self.end = time.perf_counter()
            self.model.stop_training = True

    return StopAfterStep()


def _epoch_clock(callback, seconds):
    class EpochClock(callback):
        def __init__(self):
            super().__init__()
            self.times = []

        def on_epoch_begin(self, epoch, logs=None):
            self._start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.times.append(time.perf_counter() - self._start)
            if sum(self.times) >= seconds:
                self.model.stop_training = True

    return EpochClock()
