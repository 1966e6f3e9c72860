"""From the integers of pixels to the real line: dequantisation and logits."""

import math

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.places import over_places
from tfp_flows.noise import uniform


class Dequantize(Bijector):
    """Integers ``0 ... bins - 1`` of the data to numbers in [0, 1), by uniform noise.

    ``inverse`` draws ``u`` in [0, 1) anew at each call and returns ``(y + u) / bins``;
    ``forward`` rounds down to the integers again. The density of the data that a flow behind it
    reports is, on average over the noise, a lower bound on the log-probability of the integers
    themselves, in nats; divided by ``log 2`` and the number of entries, bits per dimension as
    papers report them.

    Source: Theis et al. 2016, arXiv:1511.01844, section 3.1; Uria et al. 2013, arXiv:1306.0186.

    Args:
        event_shape: Shape of an event.
        bins: Number of integers, 256 for 8 bits.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If there are fewer than two bins, or more than the dtype tells apart.
    """

    free_lengths = True

    def __init__(self, *, event_shape, bins=256, dtype=tf.float32, name=None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        if not 2 <= bins <= 2**16 or bins != int(bins):
            raise ValueError(f"bins must be an integer between 2 and 65536, got {bins!r}.")
        self._bins = int(bins)

    def _forward_and_log_det(self, x, context, training):
        y = tf.floor(x * self._bins)
        return tf.clip_by_value(y, 0, self._bins - 1), -self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        x = (y + uniform(tf.shape(y), dtype=self.dtype)) / self._bins
        # Rounding may reach 1, which belongs to the next integer.
        highest = 1 - 2.0 ** (-24 if self.dtype == tf.float32 else -53)
        return tf.minimum(x, tf.cast(highest, self.dtype)), self._log_det(y)

    def _log_det(self, value):
        entries = shapes.entries(value, self.event_shape)
        if tf.is_tensor(entries):
            entries = tf.cast(entries, self.dtype)
        batch = shapes.batch_shape_tensor(value, len(self.event_shape))
        return tf.fill(batch, tf.cast(-entries * math.log(self._bins), self.dtype))

    def _inverse_and_log_det_map(self, y, context, training):
        share = tf.cast(-self.event_shape[-1] * math.log(self._bins), self.dtype)
        return self._inverse_value(y, context, training), over_places(y, share)


class Logit(Bijector):
    """Numbers in [0, 1] of the data to the real line: ``x = logit(alpha + (1 - 2 alpha) y)``.

    Source: MAF, Papamakarios et al. 2017, arXiv:1705.07057, appendix D, for ``alpha = 1e-6``;
    RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 4.1, for 0.05 on images.

    Numbers outside of ``(-alpha, 1 - alpha) / (1 - 2 alpha)``, which has no logit, are taken as its
    edge: check the range of data before.

    Args:
        event_shape: Shape of an event.
        alpha: How far from 0 and 1 the data are kept, in (0, 0.5).
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If alpha is out of range.
    """

    free_lengths = True

    def __init__(self, *, event_shape, alpha=0.05, dtype=tf.float32, name=None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        if not 0 < alpha < 0.5:
            raise ValueError(f"alpha must be in (0, 0.5), got {alpha!r}.")
        self._alpha = float(alpha)

    def _forward_and_log_det(self, x, context, training):
        y = (tf.sigmoid(x) - self._alpha) / (1 - 2 * self._alpha)
        return y, -self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        x = self._inverse_value(y, context, training)
        return x, self._log_det(x)

    def _inverse_and_log_det_map(self, y, context, training):
        x = self._inverse_value(y, context, training)
        return x, tf.reduce_sum(self._log_slopes(x), axis=-1)

    def _inverse_value(self, y, context, training):
        p = self._alpha + (1 - 2 * self._alpha) * y
        # Beyond what the logit can take, the edge of its domain stands for all.
        edge = 2.0 ** (-23 if self.dtype == tf.float32 else -52)
        p = tf.clip_by_value(p, tf.cast(edge, p.dtype), tf.cast(1 - edge, p.dtype))
        return tf.math.log(p) - tf.math.log1p(-p)

    def _log_det(self, x):
        axes = list(range(-len(self.event_shape), 0))
        return tf.reduce_sum(self._log_slopes(x), axis=axes)

    def _log_slopes(self, x):
        # d logit(p) / dp is 1 / (p (1 - p)), here with p = sigmoid(x).
        return tf.nn.softplus(x) + tf.nn.softplus(-x) + math.log1p(-2 * self._alpha)
