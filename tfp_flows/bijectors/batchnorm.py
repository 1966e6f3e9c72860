"""Batch normalisation as a bijector, with the density of what it did."""

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.places import over_places
from tfp_flows.bijectors.scale import batch_moments, parameter_shape, total_log_scale
from tfp_flows.errors import remark
from tfp_flows.spread import column_name


class BatchNorm(Bijector):
    """Normalises data on the way to the latent: ``x = gamma (y - m) / sqrt(v + epsilon) + beta``.

    With ``training=True``, ``inverse`` uses the mean and variance of the batch, its log-det is
    that of this very map, and the moving statistics are updated. Otherwise, and in ``forward``
    always, the moving statistics are used, and nothing is updated. Value and log-det thus always
    belong together. As in the source, the batch statistics count as constants in the log-det.

    Source: MAF, Papamakarios et al. 2017, arXiv:1705.07057, equations 21 to 23 (appendix);
    RealNVP, Dinh et al. 2017, arXiv:1605.08803, section 3.7.

    Args:
        event_shape: Shape of an event; each entry has statistics of its own. With ``per_channel``
            lengths may be free, None.
        per_channel: Whether all places of a channel, the last axis, share theirs, as in images.
        momentum: Weight of the old moving statistics at each update, in [0, 1).
        epsilon: Added to variances.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If momentum or epsilon is out of range.
    """

    free_lengths = True

    def __init__(
        self,
        *,
        event_shape,
        per_channel=False,
        momentum=0.99,
        epsilon=1e-5,
        dtype=tf.float32,
        name=None,
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum!r}.")
        if not epsilon > 0:
            raise ValueError(f"epsilon must be positive, got {epsilon!r}.")
        self._momentum, self._epsilon = float(momentum), float(epsilon)
        self.per_channel = bool(per_channel)
        zeros = tf.zeros(parameter_shape(self, per_channel), self.dtype)
        self._log_gamma = tf.Variable(zeros, name="log_gamma")
        self._beta = tf.Variable(zeros, name="beta")
        self._mean = tf.Variable(zeros, trainable=False, name="moving_mean")
        self._variance = tf.Variable(zeros + 1, trainable=False, name="moving_variance")
        self._adapted = tf.Variable(False, trainable=False, name="adapted")

    @property
    def needs_adapt(self):
        """Whether the moving statistics have never been set."""
        return not bool(self._adapted.numpy())

    def adapt(self, data, context=None):
        """Sets the moving statistics to those of ``data``, ``[n, *event_shape]``.

        Raises:
            ValueError: If the batch is empty, has the wrong shape or holds NaN or infinity.
        """
        mean, deviation = batch_moments(data, self)
        variance = np.square(deviation)
        hidden = np.argwhere(variance < self._epsilon)
        if len(hidden):
            where = tuple(int(i) for i in hidden[0])
            remark(
                f"{self.name}: column {column_name(where)} has variance {variance[where]:.3g}, "
                f"which epsilon={self._epsilon:g} hides, so that it is not normalised; put a "
                "Standardize before it, or give a smaller epsilon."
            )
        self._mean.assign(tf.cast(mean, self.dtype))
        self._variance.assign(tf.cast(variance, self.dtype))
        self._adapted.assign(True)

    def _forward_and_log_det(self, x, context, training):
        spread = tf.math.log(self._variance + self._epsilon) / 2 - self._log_gamma
        y = (x - self._beta) * tf.exp(spread) + self._mean
        return y, total_log_scale(self, spread, x)

    def _inverse_and_log_det(self, y, context, training):
        x, spread = self._normalised(y, training)
        return x, -total_log_scale(self, spread, y)

    def _inverse_and_log_det_map(self, y, context, training):
        x, spread = self._normalised(y, training)
        return x, over_places(y, -tf.reduce_sum(spread, axis=-1))

    def _normalised(self, y, training):
        mean, variance = self._statistics(y, training)
        spread = tf.math.log(variance + self._epsilon) / 2 - self._log_gamma
        return (y - mean) * tf.exp(-spread) + self._beta, spread

    def _statistics(self, y, training):
        if training is None or training is False:
            return tf.convert_to_tensor(self._mean), tf.convert_to_tensor(self._variance)
        if training is True:
            return self._batch_statistics(y)
        return tf.cond(
            tf.cast(training, tf.bool),
            lambda: self._batch_statistics(y),
            lambda: (tf.convert_to_tensor(self._mean), tf.convert_to_tensor(self._variance)),
        )

    def _batch_statistics(self, y):
        axes = list(range(y.shape.rank - self._mean.shape.rank))
        if y.shape.rank == len(self.event_shape):
            raise ValueError(f"{self.name} needs a batch of events in training, got one event.")
        mean, variance = tf.nn.moments(y, axes)
        for moving, value in ((self._mean, mean), (self._variance, variance)):
            step = (1 - self._momentum) * (tf.stop_gradient(value) - moving)
            # No rows have no moments.
            moving.assign_add(tf.where(tf.size(y) > 0, step, tf.zeros_like(step)))
        return mean, variance
