"""Classes as numbers with noise: what flows of numbers can do with categorical columns."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors import Bijector
from tfp_flows.networks import MLP
from tfp_flows.noise import normal, uniform

_HALF_LOG_TAU = 0.5 * float(np.log(2 * np.pi))


class Uniform(Bijector):
    """Codes, which are the first columns, with uniform noise added; the rest as it is.

    Source: Theis et al. 2016, arXiv:1511.01844, section 3.1.

    Args:
        classes: Number of classes of each code.
        size: Number of all columns.
    """

    def __init__(self, classes: Sequence[int], size: int):
        super().__init__(event_shape=size)
        self._codes = len(classes)

    def _inverse_and_log_det(self, y, context, training):
        codes, rest = y[..., : self._codes], y[..., self._codes :]
        relaxed = codes + uniform(tf.shape(codes))
        return tf.concat([relaxed, rest], axis=-1), tf.zeros(tf.shape(y)[:-1])


class _Learned(Bijector):
    """Noise ``q(v | row)`` that a network of the whole row shapes: a bound of the density.

    The network sees classes one by one, and the rest standardised. It gives a mean and a
    log-deviation of each of ``widths`` Gaussian numbers; ``_relax`` makes latents of those.
    """

    resizes = True

    def __init__(self, classes, size, rest, widths: int, latent: int, seed: int):
        super().__init__(event_shape=size, latent_shape=latent)
        self._classes = self._no_dependency(tuple(classes))
        self._mean, self._deviation = rest.mean(axis=0), rest.std(axis=0)
        self._network = MLP(
            input_size=sum(classes) + size - len(classes),
            output_size=2 * widths,
            hidden_units=(128, 128),
            seed=seed,
        )

    def _inverse_and_log_det(self, y, context, training):
        count = len(self._classes)
        codes, rest = tf.cast(y[..., :count], tf.int32), y[..., count:]
        hot = [tf.one_hot(codes[..., i], k) for i, k in enumerate(self._classes)]
        seen = tf.concat([*hot, (rest - self._mean) / self._deviation], axis=-1)
        mean, log_deviation = tf.split(self._network(seen), 2, axis=-1)
        log_deviation = 3 * tf.tanh(log_deviation / 3)
        noise = normal(tf.shape(mean))
        log_q = tf.reduce_sum(-0.5 * noise**2 - log_deviation - _HALF_LOG_TAU, axis=-1)
        relaxed, stretched = self._relax(mean + tf.exp(log_deviation) * noise, codes, hot)
        return tf.concat([relaxed, rest], axis=-1), stretched - log_q


class Variational(_Learned):
    """Codes with learned noise in [0, 1) added.

    Source: Ho et al. 2019, arXiv:1902.00275, section 3.1, with a Gaussian behind a sigmoid.

    Args:
        classes: Number of classes of each code.
        rest: The columns behind the codes, of training rows, to standardise by.
        seed: Of the network.
    """

    def __init__(self, classes: Sequence[int], rest: np.ndarray, seed: int):
        size = len(classes) + rest.shape[1]
        super().__init__(classes, size, rest, len(classes), size, seed)

    def _relax(self, u, codes, hot):
        slope = tf.reduce_sum(tf.math.log_sigmoid(u) + tf.math.log_sigmoid(-u), axis=-1)
        return tf.cast(codes, u.dtype) + tf.sigmoid(u), slope


class Argmax(_Learned):
    """For each code as many numbers as there are classes, of which the largest is the code's.

    Source: Hoogeboom et al. 2021, arXiv:2102.05379, section 3.1 and algorithm 3 (thresholding).

    Args:
        classes: Number of classes of each code.
        rest: The columns behind the codes, of training rows, to standardise by.
        seed: Of the network.
    """

    def __init__(self, classes: Sequence[int], rest: np.ndarray, seed: int):
        size, widths = len(classes) + rest.shape[1], sum(classes)
        super().__init__(classes, size, rest, widths, widths + rest.shape[1], seed)

    def _relax(self, u, codes, hot):
        parts, slope = [], 0.0
        for part, chosen in zip(tf.split(u, self._classes, axis=-1), hot, strict=True):
            top = tf.reduce_sum(part * chosen, axis=-1, keepdims=True)
            below = top - tf.nn.softplus(top - part)
            parts.append(tf.where(chosen > 0, part, below))
            slopes = tf.math.log_sigmoid(top - part)
            slope += tf.reduce_sum(tf.where(chosen > 0, 0.0, slopes), axis=-1)
        return tf.concat(parts, axis=-1), slope
